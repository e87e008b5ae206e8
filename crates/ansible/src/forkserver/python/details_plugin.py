

from ansible.plugins.callback import CallbackBase  # noqa: E402


class CallbackModule(CallbackBase):
    """Shows nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "rangehand_details"

    def __init__(self, *positional, **named):
        super().__init__(*positional, **named)
        callback = loaded_callback()  # noqa: F821 - stands before this text
        if callback is not None:
            try:
                install(callback)  # noqa: F821
            except Exception:
                pass  # Another version: its events lack the details.
