"""An etcd of three members on loopback, which can be killed and started again one by one."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request

from harness import HOST, drop_privileges, free_port, own, wait_until


class EtcdMember:
    """One member of the cluster."""

    def __init__(self, name, folder):
        self.name, self.folder = name, own(folder)
        self.client_port, self.peer_port = free_port(), free_port()
        self.process = None

    def start(self, members):
        peers = ",".join(f"{member.name}=http://{HOST}:{member.peer_port}" for member in members)
        client, peer = f"http://{HOST}:{self.client_port}", f"http://{HOST}:{self.peer_port}"
        with open(self.folder / "etcd.log", "ab") as log:
            self.process = subprocess.Popen(
                ["etcd", "--name", self.name, "--data-dir", str(self.folder / "data"),
                 "--listen-client-urls", client, "--advertise-client-urls", client,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", peers, "--initial-cluster-state", "new"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={"PATH": os.environ["PATH"]}, **drop_privileges())

    def is_healthy(self):
        """Whether it answers, and the cluster has a leader and a quorum behind it."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.client_port}/health", timeout=2) as answer:
                return json.load(answer)["health"] == "true"
        except (OSError, ValueError):
            return False

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


class EtcdCluster:
    """As many members as asked for, started and healthy."""

    def __init__(self, folder, count=3):
        if not shutil.which("etcd"):
            raise RuntimeError("there is no etcd: scripts/install test")
        self.members = []
        for number in range(1, count + 1):
            place = folder / f"etcd-{number}"
            place.mkdir()
            self.members.append(EtcdMember(f"etcd-{number}", place))
        try:
            self.start(self.members)
        except BaseException:
            self.close()
            raise

    def start(self, members):
        for member in members:
            member.start(self.members)
        wait_until(lambda: all(member.is_healthy() for member in members), "etcd is healthy", 30)

    def process_identifiers(self):
        return [member.process.pid for member in self.members if member.process]

    def close(self):
        for member in self.members:
            member.kill()
