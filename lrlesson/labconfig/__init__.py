"""What the course asks of JupyterLab: settings for its page, a rule for saving notebooks, and an
extension that brings their scenes back."""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "lrlesson.labconfig"}]


def _load_jupyter_server_extension(server: Any) -> None:
    from .saving import keep_widgets

    server.contents_manager.register_pre_save_hook(keep_widgets)
