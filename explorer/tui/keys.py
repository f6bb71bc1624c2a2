"""What the keys do wherever the focus is."""

from textual.binding import Binding, BindingType

EVERYWHERE: list[BindingType] = [
    Binding("slash", "search", "Search", key_display="/", tooltip="Search models, classes, functions, modules"),
    Binding("b", "bench", "Benchmark", tooltip="Benchmark the model that is shown"),
    Binding("c", "cancel_bench", "Cancel", tooltip="Cancel the benchmark"),
    Binding("1", "open_tab('tab-details')", "Details", show=False, tooltip="Details tab"),
    Binding("2", "open_tab('tab-calls')", "Call path", show=False, tooltip="Call path tab"),
    Binding("3", "open_tab('tab-bench')", "Benchmark", show=False, tooltip="Benchmark tab"),
    Binding("tab", "app.focus_next", "Next pane", show=False),
    Binding("shift+tab", "app.focus_previous", "Previous pane", show=False),
    Binding("o", "open_source", "Source", tooltip="Open the source on the web"),
    Binding("y", "copy_name", "Copy", show=False, tooltip="Copy the name"),
    Binding("backspace", "go_back", "Back", key_display="⌫", tooltip="Back to what was shown before"),
    Binding("escape", "leave", "Leave", show=False, tooltip="To the tree; in the Benchmark tab, cancel it"),
    Binding("ctrl+p", "command_palette", "Palette", show=False, tooltip="Themes and commands"),
    Binding("question_mark", "help", "Help", key_display="?", tooltip="This list"),
    Binding("q", "quit", "Quit", tooltip="Quit; a benchmark under way is ended"),
]
