"""Packs modules of Ansible in advance: each module, and all of `module_utils` that it needs.

Resolving these takes longer than running most modules, and the result is the same for every run whose content has no
`module_utils`. For a module that runs on this machine, or on a host whose Python is known to have the same version, the
package also contains compiled files. Python uses those that its version has compiled, and otherwise the sources.
"""

import datetime
import inspect
import io
import os
import pathlib
import pickle
import re
import sys
import zipfile
import zlib
from importlib import _bootstrap_external as importing

# The modules that playbooks use most, in that order.
USUAL = (
    "ping command setup stat file copy systemd service apt package user group lineinfile get_url uri wait_for "
    "slurp tempfile async_wrapper async_status"
).split()

# Python accepts compiled files of the same version.
OWN_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

# The variable with which a run is configured not to send compiled files.
WANTED = "RANGEHAND_COMPILED_MODULES"

# The parameters of Ansible's function, since ansible-core 2.19.
FINDER = ["name", "module_fqn", "module_data", "zf", "date_time", "extension_manager"]


class Built:
    """Modules that were packed in advance."""

    def __init__(self):
        from ansible.executor import module_common
        from ansible.plugins import action

        self.common = module_common
        self.packed = {}
        self.members = {}
        self.is_compiled = False
        self.original = module_common.recursive_finder
        # The function differs between versions. With an unknown one, each run packs its own modules.
        self.is_known = list(inspect.signature(self.original).parameters) == FINDER
        if self.is_known:
            module_common.recursive_finder = self.find
            self.note_where(action.ActionBase)

    def note_where(self, kind):
        """Records for each action whether a Python of the same version will run its module."""
        configure, built = kind._configure_module, self

        def note(self, module_name, module_args, task_vars):
            is_here = getattr(self._connection, "transport", None) == "local"
            is_wanted = os.environ.get(WANTED) != "False"
            version = version_of(task_vars.get("ansible_facts") or {})
            built.is_compiled = is_wanted and (is_here or version == OWN_VERSION)
            return configure(self, module_name=module_name, module_args=module_args, task_vars=task_vars)

        kind._configure_module = note

    def find(self, name, module_fqn, module_data, zf, date_time, extension_manager):
        """Replaces Ansible's function: uses a packed module, if Ansible would pack the same."""
        packed = self.packed.get((module_fqn, bytes(module_data)))
        is_usual = packed and zf.compression == zipfile.ZIP_DEFLATED and not extension_manager.extension_names
        if not is_usual or not self.is_plain():
            return self.original(name, module_fqn, module_data, zf, date_time, extension_manager)
        metadata, sources = packed
        for source in sources:
            for member in self.members[source] if self.is_compiled else self.members[source][:1]:
                member.put(zf, date_time)
        return metadata

    def is_plain(self):
        """Whether there is no other `module_utils`, and the verbosity doesn't require a message for each file."""
        from ansible.plugins.loader import module_utils_loader

        paths = module_utils_loader._get_paths(subdirs=False)
        own = pathlib.Path(self.common._MODULE_UTILS_PATH).resolve()
        others = [path for path in map(pathlib.Path, paths) if path.is_dir() and path.resolve() != own]
        return not others and self.common.display.verbosity < 5

    def take(self, packed):
        """Adds a module that another process packed."""
        module, metadata, members = pickle.loads(packed)
        # Most files are the same for all modules.
        self.members.update(members)
        self.packed[module] = metadata, list(members)

    def pack_usual(self):
        """Packs the modules one by one. The search changes state of Ansible, so this runs in a separate process."""
        from ansible import modules
        from ansible.plugins import loader

        if not self.is_known:
            return
        loader.init_plugin_loader()
        directory = pathlib.Path(modules.__file__).parent
        for name in USUAL:
            path = directory / f"{name}.py"
            if path.is_file():
                yield pickle.dumps(self.pack(name, path))

    def pack(self, name, path):
        from ansible._internal._ansiballz._builder import ExtensionManager
        from ansible._internal._datatag._tags import Origin

        fqn = f"ansible.modules.{name}"
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(), "w") as zf:
            now = datetime.datetime.now(datetime.timezone.utc)
            tagged = Origin(path=str(path)).tag(data)
            metadata = self.original(name, fqn, tagged, zf, now, ExtensionManager.create(task_vars={}))
            sources = {entry.filename: zf.read(entry) for entry in zf.infolist()}
        return (fqn, data), metadata, {(name, zlib.crc32(text)): members(name, text) for name, text in sources.items()}


def version_of(facts):
    """The version of a host's Python, such as 3.11, from its facts or the name of the discovered interpreter."""
    known = str(facts.get("python_version") or facts.get("discovered_interpreter_python"))
    found = re.search(r"[0-9]+\.[0-9]+", known)
    return found and found.group()


def members(name, source):
    """A file of a package, as source and compiled. Python doesn't compare them: they are packed together."""
    compiled = importing._code_to_hash_pyc(compile(source, name, "exec"), bytes(8), False)
    return Member(name, source), Member(name + "c", bytes(compiled))


class Member:
    """A compressed file of a package."""

    def __init__(self, name, content):
        packer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        self.name = name
        self.data = packer.compress(content) + packer.flush()
        self.size = len(content)
        self.check = zlib.crc32(content)

    def put(self, zf, now):
        """Appends the file to a package, as `writestr` would."""
        info = zipfile.ZipInfo(self.name, now.utctimetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.CRC, info.compress_size, info.file_size = self.check, len(self.data), self.size
        info.header_offset = zf.fp.tell()
        zf.fp.write(info.FileHeader(False) + self.data)
        zf.filelist.append(info)
        zf.NameToInfo[info.filename] = info
        zf.start_dir = zf.fp.tell()
        zf._didModify = True
