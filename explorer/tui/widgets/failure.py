"""What is shown in place of everything when there is no graph."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from explorer.errors import ExplorerError


class FailurePanel(Vertical):
    """An error's message and its mend, in a frame."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = Static(id="failure-text", markup=False)

    def compose(self) -> ComposeResult:
        """One framed text."""
        yield self._text

    def show_error(self, error: ExplorerError) -> None:
        """Show the error and nothing else."""
        text = Text(error.message, "bold")
        if error.hint:
            text.append(f"\n\n{error.hint}", "not bold")
        text.append("\n\nq leaves.", "dim not bold")
        self._text.update(text)
        self._text.border_title = "timm's source could not be read"
        self.display = True
