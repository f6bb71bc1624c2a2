import subprocess
import sys


def test_the_app_imports_neither_torch_nor_timm_and_the_package_not_even_textual() -> None:
    code = """
import sys
import explorer.tui
assert "textual" not in sys.modules
explorer.tui.ExplorerApp
assert "textual" in sys.modules
import explorer.introspect, explorer.engine.async_client, explorer.usecases.recording
print({"torch", "torchvision", "timm"} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
