import io
import zipfile


def packed(**files):
    """Build a .zip file; names have _ for the dot before the extension."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name.replace("_", "."))  # the same time in each run
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()
