#!/usr/bin/env python3
"""Runs localstripe as it is, but on loopback only and without its state file, which all of its instances share.

localstripe listens on every interface and writes /tmp/localstripe.pickle after each request; it has options for
neither. It must be started with --from-scratch: there is nothing to load.
"""

import builtins
import os
import pathlib
import runpy
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

bind = socket.socket.bind
open_file = builtins.open


def bind_to_loopback(self, address):
    # Its socket is IPv6 for both families; this is IPv4's loopback on such a socket.
    return bind(self, ("::ffff:127.0.0.1", *address[1:]) if address[0] == "::" else address)


def open_but_no_state(file, *args, **kwargs):
    return open_file(os.devnull if file == "/tmp/localstripe.pickle" else file, *args, **kwargs)


socket.socket.bind = bind_to_loopback
builtins.open = open_but_no_state
runpy.run_module("localstripe", run_name="__main__", alter_sys=True)
