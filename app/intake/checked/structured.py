"""Whether what is asked of an answer's structure can be held to.

Pure. The rule: what can be known of a schema is refused before anything is paid for it, as far as that is cheap to
know; of a larger one the worker finds out.
"""

from __future__ import annotations

from app.intake.prompt import Prompt
from app.intake.raw_json import InvalidPromptError, fields_of
from app.stream.structured.answer_schema import InvalidSchemaError, schema_of, validator_of

# To look at a schema of this size holds everybody else up for some hundredths of a second at the worst.
LOOKED_AT_BYTES = 8 * 1024


def check(prompt: Prompt) -> None:
    """Raises `InvalidPromptError` where `relay.validate` is asked for and nothing can be held against the schema."""
    if not prompt.relay.validate:
        return
    if prompt.relay.cache:
        raise InvalidPromptError("relay.cache: an answer that is validated is nobody else's; leave out one of the two")
    fields = {name: bytes(value) for name, value in fields_of(prompt.body).items()}
    try:
        schema = schema_of(fields.get("output_config"), fields.get("output_format"))
        if schema is None:
            raise InvalidPromptError("relay.validate: needs a JSON schema in output_config.format")
        if len(schema) <= LOOKED_AT_BYTES:
            validator_of(schema)
    except InvalidSchemaError as error:
        raise InvalidPromptError(f"relay.validate: {error}") from None
