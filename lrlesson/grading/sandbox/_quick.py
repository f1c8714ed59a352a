"""Import jsonschema, which nbformat needs, without a grammar of addresses, which it does not.

jsonschema looks for `rfc3987_syntax` once, on import; compiling it costs more than a second.
"""

import sys
from typing import Any

modules: dict[str, Any] = sys.modules
if not {"jsonschema", "rfc3987_syntax"} & set(modules):
    modules["rfc3987_syntax"] = None
    import jsonschema  # type: ignore[import-untyped]  # noqa: F401

    del modules["rfc3987_syntax"]
