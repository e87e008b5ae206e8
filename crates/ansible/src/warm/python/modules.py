"""What Ansible packs together for a module of its own: the module, and all of `module_utils` that it needs.

Finding that out takes longer than running most modules. It is the same for every run whose content brings no
`module_utils` of its own.
"""

import datetime
import hashlib
import io
import pathlib
import pickle
import zipfile

# Those that playbooks use most, in that order.
USUAL = (
    "ping command setup stat file copy systemd service apt package user group lineinfile get_url uri wait_for "
    "slurp tempfile async_wrapper async_status"
).split()


class Built:
    """What was packed in this process."""

    def __init__(self):
        from ansible.executor import module_common

        self.common = module_common
        self.packed = {}
        self.sources = {}
        self.original = module_common.recursive_finder
        module_common.recursive_finder = self.find

    def find(self, name, module_fqn, module_data, zf, date_time, extension_manager):
        """In place of Ansible's own: takes what was packed, if that is what Ansible would pack."""
        packed = self.packed.get(key(module_fqn, module_data))
        if packed is None or extension_manager.extension_names or not self.is_plain():
            return self.original(name, module_fqn, module_data, zf, date_time, extension_manager)
        metadata, files = packed
        for path, source in files:
            zf.writestr(self.common._make_zinfo(path, date_time, zf=zf), source)
        return metadata

    def is_plain(self):
        """Whether there is no other `module_utils`, and nobody wants to be told of each file."""
        from ansible.plugins.loader import module_utils_loader

        paths = module_utils_loader._get_paths(subdirs=False)
        own = pathlib.Path(self.common._MODULE_UTILS_PATH).resolve()
        others = [path for path in map(pathlib.Path, paths) if path.is_dir() and path.resolve() != own]
        return not others and self.common.display.verbosity < 5

    def take(self, packed):
        """Takes what another process packed."""
        for found, (metadata, files) in pickle.loads(packed).items():
            # Most files are the same for all modules.
            files = [(path, self.sources.setdefault(source, source)) for path, source in files]
            self.packed[found] = (metadata, files)

    def pack_usual(self):
        """Packs one module after the other. Looking for them leaves traces, so it is done in a process of its own."""
        from ansible import modules
        from ansible.plugins import loader

        loader.init_plugin_loader()
        directory = pathlib.Path(modules.__file__).parent
        for name in USUAL:
            path = directory / f"{name}.py"
            if path.is_file():
                yield pickle.dumps(dict([self.pack(name, path)]))

    def pack(self, name, path):
        from ansible._internal._ansiballz._builder import ExtensionManager
        from ansible._internal._datatag._tags import Origin

        fqn = f"ansible.modules.{name}"
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(), "w") as zf:
            now = datetime.datetime.now(datetime.timezone.utc)
            tagged = Origin(path=str(path)).tag(data)
            metadata = self.original(name, fqn, tagged, zf, now, ExtensionManager.create(task_vars={}))
            files = [(entry.filename, zf.read(entry)) for entry in zf.infolist()]
        return key(fqn, data), (metadata, files)


def key(fqn, data):
    data = data.encode() if isinstance(data, str) else bytes(data)
    return fqn, hashlib.sha256(data).digest()
