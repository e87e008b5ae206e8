"""What is imported and read once for all runs, and how a fork of it is made like a fresh `ansible-playbook`."""

import atexit
import functools
import importlib.util
import logging
import os
import pathlib
import secrets
import sys
import tempfile

from rangehand import details, events, modules
from rangehand.run import Refused

# Imported by nearly every playbook, and not by importing `ansible-playbook`.
USUAL = [
    "ansible.executor.playbook_executor",
    "ansible.executor.process.worker",
    "ansible.executor.task_executor",
    "ansible.executor.module_common",
    "ansible.playbook.role_include",
    "ansible.playbook.handler_task_include",
    "ansible.vars.hostvars",
    "ansible.vars.reserved",
    "multiprocessing.queues",
    "multiprocessing.synchronize",
    "multiprocessing.popen_fork",
    "jinja2.debug",
    "curses",
    "getpass",
    "pty",
]
# Loaders of which Ansible loads all plugins whenever it runs.
ALL = "become callback connection filter inventory shell test vars".split()
# Plugins of Ansible itself, by their loader, under the names that Ansible and playbooks use.
SOME = {
    "action": "add_host assemble assert async_status command copy debug fail fetch gather_facts group_by include_vars "
    "normal package pause raw reboot script service set_fact set_stats shell template unarchive uri "
    "validate_argument_spec wait_for_connection",
    "become": "su sudo",
    "cache": "jsonfile memory",
    "callback": "default",
    "connection": "local ssh",
    "inventory": "advanced_host_list auto constructed generator host_list ini script toml yaml",
    "lookup": "config dict env file fileglob first_found indexed_items items lines list nested password pipe sequence "
    "subelements template url vars",
    "shell": "sh",
    "strategy": "debug free host_pinned linear",
    "vars": "host_group_vars",
}
CALLBACK = "awx_display"


class Warmth:
    """Ansible as imported in this process."""

    def __init__(self, start):
        os.environ.update(start["environment"])
        sys.path[0] = start["script_directory"]
        with tempfile.TemporaryDirectory() as scratch:
            # Reading the configuration creates a directory there.
            os.environ["ANSIBLE_LOCAL_TEMP"] = scratch
            self.load()
        atexit._clear()

    def load(self):
        add_callback()
        from ansible import constants

        self.constants = constants
        # The fork server writes nothing to the log of runs.
        constants.DEFAULT_LOG_PATH = None
        self.read_early = Watch(constants)
        from ansible.cli import playbook
        from ansible.plugins import loader

        self.cli = playbook.PlaybookCLI
        self.loader = loader
        for name in USUAL:
            try:
                importlib.import_module(name)
            except ImportError:
                pass  # Not part of every version.
        remember()
        self.plugins = Plugins(loader, constants)
        self.plugins.load()
        self.callback = self.plugins.callback = self.plugins.module_of("callback_loader", CALLBACK)
        attempt(lambda: details.install(self.callback))
        self.modules = modules.Built()
        self.defaults = Defaults(constants)
        self.read_early.stop()
        self.read_configuration()

    def about(self):
        """The data that the service gets. It detects another installation or configuration by a change of the files."""
        from ansible import release

        runner = pathlib.Path(self.callback.__file__).parents[2]
        core = pathlib.Path(release.__file__).parent
        files = [core / "release.py", core / "config" / "base.yml", core.parent, runner / "__init__.py", runner.parent]
        configuration = self.constants.config._config_file
        files += [pathlib.Path(configuration)] if configuration else []
        return {
            "ansible": release.__version__,
            "python": sys.version.split()[0],
            "files": sorted({str(file) for file in files}),
        }

    def renew(self, screen):
        """Makes this fork equal to a process that has just imported Ansible with this environment."""
        add_callback()
        self.read_configuration()
        self.read_early.compare()
        self.plugins.renew()
        from ansible.utils import color, display, vars as unique

        self.defaults.renew()
        importlib.reload(color)
        open_log(self.constants, display)
        display.Display.__init__(display.Display())
        unique.random_int = f"{secrets.randbelow(2**32):08x}"
        unique.cur_id = 0
        early, name = self.plugins.early, self.callback.__name__
        self.callback.event_context = events.context_of(self.callback, screen, lambda: name not in early)
        report_configuration(display)

    def read_configuration(self):
        """Reads the configuration and the environment again, into the objects that all modules share."""
        config = self.constants.config
        definitions, plugins = config._base_defs, config._plugins
        type(config).WARNINGS.clear()
        type(config).DEPRECATED.clear()
        # The cache of values is keyed by path, which is the same in each run. Without the deletion it would also be wrapped again.
        vars(config).pop("_get_ini_config_value", None)
        config._read_config_yaml_file = lambda _path: definitions
        config.__init__()
        del config._read_config_yaml_file
        config._plugins = plugins
        names = vars(self.constants)
        for name in config.get_configuration_definitions():
            self.constants.set_constant(name, config.get_config_value(name, variables=names))

    def playbook(self, arguments):
        """Does what the program `ansible-playbook` does."""
        self.cli.cli_executor(arguments)


def remember():
    """Caches computations of Ansible whose result is always the same."""
    from ansible.config import manager
    from ansible.utils.collection_loader import _collection_finder

    # The metadata of `ansible.builtin` is long, and each run reads it.
    read = functools.cache(_collection_finder._meta_yml_to_dict)
    _collection_finder._meta_yml_to_dict = read
    builtin = pathlib.Path(manager.__file__).parent / "ansible_builtin_runtime.yml"
    attempt(lambda: read(builtin.read_bytes(), ("ansible.builtin", "runtime.yml")))

    # Defaults of settings are templates.
    class Environment(manager.NativeEnvironment):
        from_string = functools.cache(manager.NativeEnvironment.from_string)

    environment = Environment()
    manager.NativeEnvironment = lambda: environment


def report_configuration(display):
    """Reports warnings about the configuration, which Ansible does during its import."""
    try:
        from ansible.module_utils._internal._deprecator import ANSIBLE_CORE_DEPRECATOR as whose
        report = display._report_config_warnings
    except (ImportError, AttributeError):
        return  # Older versions say it later.
    report(whose)


def open_log(constants, display):
    """Opens the log of Ansible, which it does during its import."""
    path = constants.DEFAULT_LOG_PATH
    if not path:
        return
    if not (os.access(path, os.W_OK) or os.access(os.path.dirname(path), os.W_OK)):
        print(f"[WARNING]: log file at '{path}' is not writeable and we cannot create it, aborting\n", file=sys.stderr)
    elif os.path.isdir(path):
        print(f"[WARNING]: DEFAULT_LOG_PATH can not be a directory '{path}', aborting", file=sys.stderr)
    else:
        form = "%(asctime)s p=%(process)d u=%(user)s n=%(name)s %(levelname)s| %(message)s"
        logging.basicConfig(filename=path, level=logging.INFO, format=form)
        display.logger = logging.getLogger("ansible")
        for handler in logging.root.handlers:
            handler.addFilter(display.FilterBlackList(constants.DEFAULT_LOG_FILTER))
            handler.addFilter(display.FilterUserInjector())


def add_callback():
    """Adds the callback of ansible-runner to the plugin path. Nothing else of ansible-runner is needed."""
    runner = importlib.util.find_spec("ansible_runner")
    if runner is None:
        raise ModuleNotFoundError("No module named 'ansible_runner'")
    directory = pathlib.Path(runner.origin).parent / "display_callback" / "callback"
    places = [os.environ.get("ANSIBLE_CALLBACK_PLUGINS"), str(directory)]
    os.environ["ANSIBLE_CALLBACK_PLUGINS"] = ":".join(filter(None, places))


class Watch:
    """Records which settings are read while Ansible is imported. Their effects can't be repeated.

    A run with a different value for one of these is rejected, unless `Plugins` updates it.
    """

    def __init__(self, constants):
        self.constants = constants
        self.values = {}
        self.plain = type(constants)
        watch = self

        class Watched(self.plain):
            def __getattribute__(self, name):
                value = super().__getattribute__(name)
                if name.isupper():
                    watch.values.setdefault(name, value)
                return value

        constants.__class__ = Watched

    def stop(self):
        self.constants.__class__ = self.plain
        # Excludes values that are set again for each run, and names that are not settings.
        definitions = self.constants.config.get_configuration_definitions()
        self.values = {name: value for name, value in self.values.items() if name in definitions and name not in RENEWED}

    def compare(self):
        for name, value in self.values.items():
            if getattr(self.constants, name) != value:
                raise Refused(f"the setting {name} of the run is not the one with which Ansible was imported")


# Settings that are read during the import, and again for each run by `renew`.
RENEWED = {
    "ANSIBLE_COW_ACCEPTLIST",
    "ANSIBLE_COW_PATH",
    "ANSIBLE_COW_SELECTION",
    "ANSIBLE_FORCE_COLOR",
    "ANSIBLE_NOCOLOR",
    "ANSIBLE_NOCOWS",
    "ANSIBLE_HOME",
    "DEFAULT_LOG_FILTER",
    "DEFAULT_LOG_PATH",
    "LOG_VERBOSITY",
}


def attempt(load):
    """Ignores failures: each run loads again what this version doesn't have or can't load."""
    try:
        load()
    except Exception:
        pass


class Defaults:
    """Keywords of plays whose defaults are settings that name a path, which can be in the home of the run."""

    KEYWORDS = {"private_key_file": "DEFAULT_PRIVATE_KEY_FILE"}

    def __init__(self, constants):
        from ansible.playbook import base, play_context

        self.constants = constants
        kinds = [base.FieldAttributeBase]
        for kind in kinds:
            kinds.extend(kind.__subclasses__())
        self.kinds = {*kinds, play_context.PlayContext}
        RENEWED.update(self.KEYWORDS.values())

    def renew(self):
        for kind in self.kinds:
            for keyword, setting in self.KEYWORDS.items():
                attribute = getattr(kind, "fattributes", {}).get(keyword)
                if attribute is not None:
                    attribute.default = getattr(self.constants, setting)


class Plugins:
    """Loaders of plugins, and the plugins of Ansible that are loaded in advance."""

    def __init__(self, loader, constants):
        self.constants = constants
        self.loaders = {
            name: value for name, value in vars(loader).items() if isinstance(value, loader.PluginLoader)
        }
        # The setting with the search path of each loader: the list itself is shared with the loader.
        self.places = {
            name: setting
            for name, value in self.loaders.items()
            for setting, paths in vars(constants).items()
            if setting.isupper() and isinstance(paths, list) and paths is value.config
        }
        RENEWED.update(self.places.values())
        # What was loaded in advance: module and file.
        self.early = {}
        self.is_early = True
        # ansible-runner's callback, once it is loaded.
        self.callback = None
        self.install(loader.PluginLoader)

    def install(self, kind):
        """Prevents a plugin that was loaded in advance from replacing another of the same name."""
        original = kind._load_module_source
        plugins = self

        def load(self, *positional, **named):
            name = named.get("python_module_name", named.get("name", positional[0] if positional else None))
            path = named.get("path", positional[-1] if positional else None)
            if plugins.is_early:
                plugins.early[name] = path
            elif name in plugins.early and plugins.early.pop(name) != path:
                sys.modules.pop(name, None)
                plugins.forget_options(self, name)
            module = original(self, *positional, **named)
            if not plugins.is_early and path == getattr(plugins.callback, "__file__", None):
                plugins.rebase(self)
            return module

        kind._load_module_source = load

    def rebase(self, loader):
        """Makes ansible-runner's callback print like the stdout callback of this run."""
        shown_by = os.environ.get("ORIGINAL_STDOUT_CALLBACK") or "default"
        base = loader.get(shown_by, class_only=True)
        if base is not None and base is not self.callback.DefaultCallbackModule:
            self.callback.DefaultCallbackModule = base
            self.callback.CallbackModule.__bases__ = (base,)

    def forget_options(self, loader, module):
        known = self.constants.config._plugins.get(getattr(loader, "type", None), {})
        last = module.rpartition(".")[2]
        for name in [name for name in known if name.rpartition(".")[2] == last]:
            del known[name]

    def load(self):
        """Loads bundled plugins of Ansible, and none from the directories of the configuration."""
        for kind in {*ALL, *SOME}:
            loader = self.loaders.get(f"{kind}_loader")
            if loader is None:
                continue
            loader.config, places = [], loader.config
            if kind in ALL:
                attempt(lambda: list(loader.all(class_only=True)))
            for name in SOME.get(kind, "").split():
                attempt(lambda: loader.get(name, class_only=True))
            loader.config = places
            loader._clear_caches()

    def module_of(self, loader, name):
        found = self.loaders[loader].get(name, class_only=True)
        return sys.modules[found.__module__]

    def renew(self):
        """Sets the search paths of plugins from the settings of this run, and drops all earlier ones."""
        self.is_early = False
        for name, loader in self.loaders.items():
            setting = self.places.get(name)
            if setting:
                loader.config = getattr(self.constants, setting)
            loader._extra_dirs = []
            type(loader)._clear_caches(loader)
