"""Checks responses against an OpenAPI 3.1 file: status, headers and body. Needs Debian's python3-yaml and
python3-jsonschema, so the tests run with /usr/bin/python3."""

import json
import re

import jsonschema
import yaml


class Document:
    """The file, and which of its statuses and members the responses so far had: statuses as (method, path, status),
    members as (JSON pointer of their schema, name)."""

    def __init__(self, path):
        with open(path) as f:
            self.root = yaml.safe_load(f)
        self.seen_statuses, self.seen_members = set(), set()
        self.pointers = {}  # of each schema with properties, by the identity of the object that was read
        self.find_objects(self.root, "#")
        self.validator = jsonschema.validators.extend(
            jsonschema.Draft202012Validator, {"properties": self.check_members, "x-extensible-enum": check_known_value}
        )

    def find_objects(self, node, pointer):
        """Remembers where each schema with properties stands."""
        if isinstance(node, dict):
            if isinstance(node.get("properties"), dict):
                self.pointers[id(node["properties"])] = pointer
            for key, value in node.items():
                self.find_objects(value, f"{pointer}/{key}")
        elif isinstance(node, list):
            for index, value in enumerate(node):
                self.find_objects(value, f"{pointer}/{index}")

    def check_members(self, validator, properties, instance, schema):
        """Validates the keyword `properties`, and records which members were seen. A member that the file does not name
        is an error, even where clients have to accept more."""
        if isinstance(instance, dict):
            self.seen_members |= {(self.pointers[id(properties)], name) for name in instance}
            for name in instance.keys() - properties.keys():
                yield jsonschema.ValidationError(f"the member {name!r} is not in the file")
        yield from jsonschema.Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)

    def resolve(self, node):
        """The node, or what its $ref leads to."""
        while "$ref" in node:
            target = self.root
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            node = target
        return node

    def operations(self):
        """(method, path, operation with the parameters of its path) of each operation."""
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    parameters = [self.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
                    yield method.upper(), path, {**operation, "parameters": parameters}

    def operation(self, method, path):
        """One operation."""
        return next(o for m, p, o in self.operations() if (m, p) == (method, path))

    def validate(self, value, schema, what):
        """Raises AssertionError with the most relevant error."""
        whole = {"allOf": [schema], "components": self.root["components"]}
        error = jsonschema.exceptions.best_match(self.validator(whole).iter_errors(value))
        if error:
            at = "".join(f"[{part!r}]" for part in error.absolute_path)
            raise AssertionError(f"{what}: body{at}: {error.message[:300]}")

    def check_request(self, method, path, names, what):
        """Checks that every parameter of the query is in the file; returns whether all required ones are given."""
        parameters = [p for p in self.operation(method, path)["parameters"] if p["in"] == "query"]
        # filter[type] is a member of the parameter `filter`, site_ids[] is a name of its own.
        sent = {name if name.endswith("[]") else name.split("[")[0] for name in names}
        assert sent <= {p["name"] for p in parameters}, f"{what}: not in the file: {sent}"
        return {p["name"] for p in parameters if p.get("required")} <= sent

    def check_response(self, method, path, status, headers, body, what):
        """Checks that the status is in the file, and headers and body are as the file says; returns the body,
        decoded."""
        responses = self.operation(method, path)["responses"]
        key = str(status) if str(status) in responses else f"{status // 100}XX"
        assert key in responses, f"{what}: status {status} is not in the file: {body[:200]!r}"
        self.seen_statuses.add((method, path, key))
        response = self.resolve(responses[key])
        for name, header in response.get("headers", {}).items():
            header, value = self.resolve(header), headers.get(name)
            assert value is not None or not header.get("required"), f"{what}: the header {name} is missing"
            assert value is None or header.get("x-simulated", True), f"{what}: {name} is said not to be simulated"
            if value is not None:
                self.validate(value, header["schema"], f"{what}: {name}")
        content = response.get("content")
        if not content:
            assert not body, f"{what}: a body that is not in the file: {body[:200]!r}"
            return None
        assert headers["Content-Type"] in content, f"{what}: {headers['Content-Type']} is not in the file"
        schema = content[headers["Content-Type"]].get("schema")
        if schema is None:
            return body
        value = json.loads(body)
        self.validate(value, schema, what)
        return value

    def unseen_statuses(self):
        """Statuses of the file that no response had."""
        return {(m, p, s) for m, p, o in self.operations() for s in o["responses"]} - self.seen_statuses

    def members(self):
        """(pointer, name, schema) of each member that a response may have."""
        found = []

        def walk(node, pointer):
            if isinstance(node, dict):
                if node.get("x-simulated", True) is False:
                    return
                if id(node.get("properties")) in self.pointers:
                    found.extend((pointer, name, schema) for name, schema in node["properties"].items())
                for key, value in node.items():
                    if key not in ("requestBody", "requestBodies", "parameters"):
                        walk(value, f"{pointer}/{key}")
            elif isinstance(node, list):
                for index, value in enumerate(node):
                    walk(value, f"{pointer}/{index}")

        walk({k: v for k, v in self.root.items() if k in ("paths", "components")}, "#")
        return [m for m in found if not m[0].startswith("#/components/schemas/Statistics")]

    def problems(self):
        """What is wrong with the file itself."""
        for pointer, node in references(self.root, "#"):
            try:
                self.resolve(node)
            except (KeyError, TypeError):
                yield f"{pointer}: {node['$ref']} leads nowhere"
        for name, schema in self.root["components"]["schemas"].items():
            try:
                jsonschema.Draft202012Validator.check_schema(schema)
            except jsonschema.SchemaError as error:
                yield f"{name}: {error.message}"
        names = [o["operationId"] for _, _, o in self.operations()]
        if len(names) != len(set(names)):
            yield "an operationId is there twice"
        for method, path, operation in self.operations():
            wanted = set(re.findall(r"\{(\w+)\}", path))
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            if wanted != declared:
                yield f"{method} {path}: its path has {wanted}, its parameters {declared}"
        used = {node["$ref"] for _, node in references(self.root, "#")}
        for kind, components in self.root["components"].items():
            for name in components:
                if kind != "securitySchemes" and f"#/components/{kind}/{name}" not in used:
                    yield f"{kind}/{name} is not used"


def references(node, pointer):
    """(pointer, node) of each $ref."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield pointer, node
        for key, value in node.items():
            yield from references(value, f"{pointer}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from references(value, f"{pointer}/{index}")


def check_known_value(validator, known, instance, schema):
    """Validates the keyword `x-extensible-enum`: clients accept other values, but the simulator must send none."""
    if isinstance(instance, str) and instance not in known:
        yield jsonschema.ValidationError(f"{instance!r} is not among the known values")
