"""Programs of Windows, run by wine in a prefix of their own: a registry, services and a drive C."""
import contextlib
import os
import pathlib
import subprocess

from apdepot import ROOT, environment

PROGRAM = pathlib.Path(os.environ.get("APDEPOT_EXE", ROOT / "build/windows/apdepot.exe")).resolve()
PATIENCE = 120  # seconds; the first program of a prefix starts the services of Windows


class Prefix:
    """Its server ends with it, and so do all of its programs."""

    def __init__(self, folder):
        self.folder, self.drive = pathlib.Path(folder), pathlib.Path(folder, "drive_c")
        self.environment = environment(WINEPREFIX=str(folder), WINEDEBUG="-all", HOME=str(folder),
                                       WINEDLLOVERRIDES="mscoree,mshtml=", WINEARCH="win64")

    def __enter__(self):
        self.server("--persistent=300")
        self.wine("wineboot", "--init")
        return self

    def __exit__(self, *_):
        self.server("--kill")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.server("--wait")

    def server(self, *arguments):
        subprocess.run(["wineserver", *arguments], env=self.environment, check=False, timeout=PATIENCE)

    def wine(self, *arguments):
        """What `arguments` do, with status and output as text. Into files: services of wine would hold a pipe open."""
        with open(self.folder / "stdout", "w+b") as out, open(self.folder / "stderr", "w+b") as err:
            status = subprocess.run(["wine", *map(str, arguments)], env=self.environment, stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=err, check=False, timeout=PATIENCE).returncode
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode(errors="replace").replace("\r\n", "\n"))
        return subprocess.CompletedProcess(arguments, status, *texts)

    def succeed(self, *arguments):
        done = self.wine(*arguments)
        assert done.returncode == 0, f"{arguments} exited {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def registry(self, key, name):
        """A value as `reg query` prints it; nothing where there is none."""
        done = self.wine("reg", "query", key, "/v", name)
        lines = [line.split(None, 2) for line in done.stdout.splitlines() if line.strip().startswith(name)]
        return lines[0][2] if done.returncode == 0 and lines else None
