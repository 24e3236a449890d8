"""What a worker offers to models as tools, and how one call of a tool is run.

The rule: `Toolbox.offered` are the tools that can be called now, `await Toolbox.run(call)` runs one, and always has a
result for the model: within the tool's seconds and bytes, as JSON, and with neither a traceback nor a secret in it. It
raises nothing but the `CancelledError` of who waits for it. It knows neither streams nor the upstream.

For modules of functions (KEEPSTREAM_TOOLS) there are `keepstream_tool` and `ToolContext`.
"""

from worker.tools.functions.decorator import keepstream_tool
from worker.tools.tool import ToolContext

__all__ = ["ToolContext", "keepstream_tool"]
