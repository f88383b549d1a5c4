"""The interface answers as its own OpenAPI description says."""

from __future__ import annotations

from openapi_spec_validator import OpenAPIV31SpecValidator

from .conftest import Caller


def test_the_description_is_valid_openapi_and_served(anyone: Caller) -> None:
    answer = anyone("GET", "/api/v1/openapi.json")
    assert answer.status == 200
    assert answer.json["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(answer.json).validate()
