"""How the documentation site is built, once for each language (`make docs`).

`docs/` is the English source, `docs/zh/` the Chinese one; pages of the same name are each other's translation.
Nothing is fetched from the network, neither by the build nor by the pages.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from langchain_volcark import __version__  # noqa: E402 - the path is set above

project = "langchain-volcark"
copyright = "2026, the langchain-volcark authors"  # noqa: A001 - Sphinx's name
author = "the langchain-volcark authors"
version = release = __version__

extensions = ["myst_parser", "sphinx_copybutton", "api_pages"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["zh", "langchain-integration", "_ext", "_templates", "_static"]
templates_path = [str(HERE / "_templates")]

myst_enable_extensions = ["deflist", "fieldlist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 4
nitpicky = True
smartquotes = False

html_theme = "furo"
html_title = "langchain-volcark"
html_static_path = [str(HERE / "_static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
pygments_style = "friendly"
pygments_dark_style = "monokai"
copybutton_prompt_text = "$ "
