"""A contract for import-linter: these modules import the standard library and our own code, and nothing else.

import-linter's own `forbidden` contract wants every forbidden package by name, so it would miss the next one.
"""

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class NoThirdPartyContract(Contract):
    type_name = "no_third_party"

    modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 its signature
        imports = [
            f"{importer} imports {imported}"
            for module in cast("list[str]", self.modules)
            for importer in sorted({module, *graph.find_descendants(module)})
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if self._is_third_party(imported)
        ]
        return ContractCheck(kept=not imports, metadata={"imports": imports})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["imports"]:
            output.print_error(line)

    def _is_third_party(self, module: str) -> bool:
        package = module.partition(".")[0]
        return package not in sys.stdlib_module_names and package not in self.session_options["root_packages"]
