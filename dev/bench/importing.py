"""Memory of an import: an archive of 200 kB that holds four messages of 49 MB.

The figure is how much the peak memory of Odoo's process grows, in megabytes, from the upload to the stored messages.
"""

import io
import json
import os
import zipfile

from lab.host.console import say
from lab.host.paths import LAB
from lab.odoo import databases
from lab.odoo.runs import shell

_MESSAGES, _MEGABYTES = 4, 49
_IMPORT = """
import json, resource
from pathlib import Path
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
content = Path({file!r}).read_bytes()
attachment = env["ir.attachment"].create({{"name": "all.zip", "raw": content, "res_model": "mail.inbound.import"}})
wizard = env["mail.inbound.import"].create({{"file_ids": attachment.ids}})
env.flush_all()
before = peak()
wizard.action_import()
print(json.dumps([before, peak()]))
"""


def measure():
    """Print the peak."""
    database = databases.clone("gateway", f"bench_import_{os.getpid()}")
    file = LAB / "run" / f"{database}.zip"
    try:
        file.write_bytes(_archive())
        before, peak = json.loads(shell(database, _IMPORT.format(file=str(file))))
        say(
            f"  {_MESSAGES} messages of {_MEGABYTES} MB: {peak - before:.0f} MB beyond {before:.0f} MB, "
            f"{(peak - before) / _MEGABYTES:.1f} times a message"
        )
    finally:
        file.unlink(missing_ok=True)
        databases.drop(database)


def _archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(_MESSAGES):
            with archive.open(f"{number}.eml", "w") as member:
                member.write(f"From: a@customer.example\r\nSubject: {number}\r\n\r\n".encode())
                for _megabyte in range(_MEGABYTES):
                    member.write(b"x" * 1024 * 1024)
    return file.getvalue()
