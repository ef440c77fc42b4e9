"""For the tests of plugin authors: install a plugin that exists only for one test."""

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path


def install_distribution(
    directory: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    entry_points: Mapping[str, str],
) -> None:
    """Install a distribution into `directory` as an installer would, without network or pip.

    `files` maps a path below `directory` to its text, `entry_points` a name in the group
    `autotts` to the module it loads. A process with `directory` on its PYTHONPATH sees the
    distribution:

        install_distribution(
            tmp_path,
            "my-plugin",
            "1.0",
            files={"my_plugin.py": "AUTOTTS_CONTRACT = 1"},
            entry_points={"mine": "my_plugin"},
        )
        subprocess.run(
            [sys.executable, "-m", "autotts_core", "plugins"],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
    """
    info = f"{re.sub('[-_.]+', '_', name)}-{version}.dist-info"
    points = "".join(f"{key} = {module}\n" for key, module in entry_points.items())
    contents = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/INSTALLER": "autotts_core.testing\n",
        f"{info}/entry_points.txt": f"[autotts]\n{points}",
    }
    record = [f"{info}/RECORD,,"]
    for path, text in contents.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        target.write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(data)}")
    (directory / info / "RECORD").write_text("\n".join(record) + "\n", encoding="utf-8")
