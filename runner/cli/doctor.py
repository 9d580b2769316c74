"""`runner doctor`: what this installation and this machine have, and what could be better."""

from typing import Any

from runner.cli import options


def doctor(json: options.Json = None) -> None:
    """Show what this build and machine can do, and what to mend."""
    settings = options.settings(locals())

    from runner.cli.diagnosis import diagnose
    from runner.cli.output import print_facts, print_json

    facts, findings = diagnose()
    if settings.json:
        remarks = [{"text": finding.text, "remedy": finding.remedy} for finding in findings]
        print_json(facts | {"findings": remarks})
        return
    print_facts(_lines(facts))
    print()
    if not findings:
        print("Nothing to mend.")
    for finding in findings:
        print(f"! {finding.text}")
        if finding.remedy:
            print(f"  {finding.remedy}")


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    from runner.cli.words import memory, size

    build, platform, processor = facts["build"], facts["platform"], facts["processor"]
    where = ", in a container" if platform["in_container"] else ""
    used = facts["memory"]
    lines = [
        ("Runner", facts["runner"]),
        ("Python", f"{platform['python']}, {facts['paths']['python']}"),
        (
            "system",
            f"{platform['system']}, {platform['release']}, {platform['machine']}{where}",
        ),
        (
            "processor",
            f"{processor['name']}, {processor['physical']} cores, {processor['usable']} threads "
            "are worth using",
        ),
        ("memory", f"{memory(used['available'])} free of {memory(used['total'])}"),
        *(("GPU", _gpu(gpu)) for gpu in facts["gpus"]),
        ("llama.cpp", _build(build)),
    ]
    if build["works"]:
        lines += [
            ("built with", ", ".join(build["instruction_sets"])),
            *(("device", _device(device)) for device in build["devices"]),
        ]
    paths = facts["paths"]
    return [
        *lines,
        ("models", f"{paths['models']}   {size(facts['free_disk'])} free"),
        ("shipped", f"{paths['shipped']}   {facts['catalogue_entries']} catalogue entries"),
        ("settings", paths["config"]),
    ]


def _build(build: dict[str, Any]) -> str:
    version = build["llama_cpp_python"]
    if version is None:
        return "llama-cpp-python is not installed"
    state = build["library"] if build["works"] else "not usable"
    return f"llama-cpp-python {version}, {state}"


def _gpu(gpu: dict[str, Any]) -> str:
    from runner.cli.words import memory

    return f"{gpu['name']}, {memory(gpu['memory'])}" if gpu["memory"] else str(gpu["name"])


def _device(device: dict[str, Any]) -> str:
    from runner.cli.words import memory

    total = f", {memory(device['memory_total'])}" if device["memory_total"] else ""
    return f"{device['name']}: {device['description']} ({device['kind']}{total})"
