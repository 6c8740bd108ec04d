"""How much a page loads: itself, the style sheet, and the modules that it asks for."""

import re

from gatepost.dashboard import static
from tests.dashboard.visitor import Page

FURTHER = re.compile(r'"([^"]*\[data-[^"]*)": "\./(\w+\.js)"')
IMPORTED = re.compile(r'from "\./(\w+\.js)"')


def assets(page: Page) -> int:
    """Bytes of style sheet and scripts, not packed."""
    files = static.all_files()
    named = {name for one in page.root.below() for name in one.attributes}
    main = files["js/main.js"].plain.decode()
    wanted = ["main.js"]
    for selector, module in FURTHER.findall(main):
        if named & set(re.findall(r"\[([\w-]+)", selector)):
            wanted.append(module)
    loaded = {"gatepost.css"}
    while wanted:
        name = f"js/{wanted.pop()}"
        if name not in loaded:
            loaded.add(name)
            wanted += IMPORTED.findall(files[name].plain.decode())
    return sum(len(files[name].plain) for name in loaded)
