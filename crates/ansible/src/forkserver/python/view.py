"""Puts this process into a mount namespace in which the content of its run is seen at the owner's path.

The same as `content/view.rs`, for a process that is not replaced by another program.
"""

import ctypes
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_SLAVE = 0x80000
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def enter(view):
    user, group = os.geteuid(), os.getegid()
    in_user_namespace = view["user_namespace"]
    checked(libc.unshare(CLONE_NEWNS | (CLONE_NEWUSER if in_user_namespace else 0)), "unshare")
    if in_user_namespace:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    mount("none", "/", None, MS_REC | MS_SLAVE, None)
    # Found before they are hidden.
    found = [os.open(bind["from"], os.O_PATH | os.O_CLOEXEC) for bind in view["binds"]]
    for overlay in view["overlays"]:
        mount_overlay(overlay)
    for bind, descriptor in zip(view["binds"], found):
        put(descriptor, bind["to"])
        os.close(descriptor)
    if in_user_namespace:
        # The capabilities in the namespace are only for the mounts.
        header, nothing = struct.pack("Ii", CAPABILITY_VERSION_3, 0), struct.pack("6I", 0, 0, 0, 0, 0, 0)
        checked(libc.capset(header, nothing), "capset")


def mount_overlay(overlay):
    *others, last = overlay["options"]
    for options in others:
        try:
            return mount("overlay", overlay["target"], "overlay", 0, options)
        except OSError:
            pass
    mount("overlay", overlay["target"], "overlay", 0, last)


def put(descriptor, target):
    source = f"/proc/self/fd/{descriptor}"
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "x", encoding="ascii"):
            pass
    mount(source, target, None, MS_BIND | MS_REC, None)


def mount(source, target, kind, flags, options):
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    checked(libc.mount(*encoded, ctypes.c_ulong(flags), None if options is None else os.fsencode(options)), target)


def checked(result, what):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
