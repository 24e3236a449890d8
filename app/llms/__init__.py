"""What those read who read for somebody else: language models, and the agents that write code with them.

The rule: nothing here says anything of its own accord: all of it is put together from the pages in `app/docs/`, so that
it is as true as they are. Pure but for reading those files; made once, when a front starts.
"""

from app.llms.agents import skill
from app.llms.for_models import served
from app.llms.overview import index, whole

__all__ = ["index", "served", "skill", "whole"]
