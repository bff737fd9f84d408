"""Measures a GraphQL document before anything of it is validated or executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from graphql import GraphQLSyntaxError, OperationType, parse
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
)

from tokens.errors import QueryRefused

if TYPE_CHECKING:
    from graphql.language import DocumentNode, SelectionNode, SelectionSetNode

MAX_CHARACTERS: Final = 8_192
MAX_LEXICAL_TOKENS: Final = 1_000
MAX_DEPTH: Final = 6
MAX_INTROSPECTION_DEPTH: Final = 20
MAX_COST: Final = 100
MAX_INTROSPECTION_COST: Final = 300
INTROSPECTION: Final = frozenset(("__schema", "__type"))
# What asks the database counts for more than what stands in its answer already.
COSTS: Final = {"getUser": 10, "getAuthorisedUser": 10}


@dataclass(slots=True)
class _Measure:
    """What a document has cost so far."""

    fragments: dict[str, FragmentDefinitionNode]
    may_introspect: bool
    cost: int = 0
    introspection_cost: int = 0
    roots: list[str] = field(default_factory=list)


def check_document(text: str, *, may_introspect: bool) -> None:
    """Hold a document against the limits; cycles of fragments run into them too.

    Raises:
        QueryRefused: it is no document, or beyond one of the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise QueryRefused(
            f"The document has more than {MAX_CHARACTERS} characters.", code="QUERY_TOO_LARGE"
        )
    document = _parse(text)
    operation = _find_operation(document)
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measure = _Measure(fragments, may_introspect)
    _walk(operation.selection_set, measure, depth=1, is_introspection=False)
    if operation.operation == OperationType.MUTATION and len(measure.roots) > 1:
        raise QueryRefused(
            "A document has one mutation; send the others in requests of their own.",
            code="ONE_MUTATION_ONLY",
        )


def _parse(text: str) -> DocumentNode:
    try:
        return parse(text, no_location=True, max_tokens=MAX_LEXICAL_TOKENS)
    except GraphQLSyntaxError as error:
        raise QueryRefused(
            "The query is no GraphQL document, or too large a one.",
            code="GRAPHQL_PARSE_FAILED",
            detail=error.message[:200],
        ) from error
    except RecursionError as error:
        raise QueryRefused("The document is nested too deeply.", code="QUERY_TOO_DEEP") from error


def _find_operation(document: DocumentNode) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1:
        raise QueryRefused("A document has exactly one operation.", code="ONE_OPERATION_ONLY")
    return operations[0]


def _walk(
    selections: SelectionSetNode | None, measure: _Measure, *, depth: int, is_introspection: bool
) -> None:
    for node in selections.selections if selections else ():
        _pay(node, measure, is_introspection=is_introspection)
        if not isinstance(node, FieldNode):
            inner = _expand(node, measure)
            _walk(inner, measure, depth=depth, is_introspection=is_introspection)
            continue
        if depth == 1:
            measure.roots.append(node.name.value)
        is_below = is_introspection or _begins_introspection(node, measure)
        if depth > (MAX_INTROSPECTION_DEPTH if is_below else MAX_DEPTH):
            raise QueryRefused("The document is nested too deeply.", code="QUERY_TOO_DEEP")
        _walk(node.selection_set, measure, depth=depth + 1, is_introspection=is_below)


def _expand(node: SelectionNode, measure: _Measure) -> SelectionSetNode | None:
    if isinstance(node, FragmentSpreadNode):
        fragment = measure.fragments.get(node.name.value)
        return fragment.selection_set if fragment else None
    return node.selection_set if isinstance(node, InlineFragmentNode) else None


def _begins_introspection(node: FieldNode, measure: _Measure) -> bool:
    if node.name.value not in INTROSPECTION:
        return False
    if not measure.may_introspect:
        raise QueryRefused(
            "Public master tokens can't introspect; the schema is published.",
            code="INTROSPECTION_DISABLED",
        )
    return True


def _pay(node: SelectionNode, measure: _Measure, *, is_introspection: bool) -> None:
    """Count a selection, whatever directives say of it."""
    if is_introspection:
        measure.introspection_cost += 1
    else:
        name = node.name.value if isinstance(node, FieldNode) else ""
        measure.cost += COSTS.get(name, 1)
    if measure.cost > MAX_COST or measure.introspection_cost > MAX_INTROSPECTION_COST:
        raise QueryRefused("The document asks for too much at once.", code="QUERY_TOO_COSTLY")
