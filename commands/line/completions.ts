import * as z from "zod";
import { type Command, defineCommand, loadCommands } from "./command.ts";
import { everywhereFlags, flag, type FlagMeta, flagsOf, type NamedFlag } from "./flags.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = typeof SHELLS[number];

export const completions = defineCommand({
  name: "completions",
  summary: "Print a script that completes commands, flags and values in a shell",
  description: "The script comes from the same table as the help, so it fits this version of streamlab.",
  examples: [
    { doc: "bash, for this session", line: "source <(streamlab completions bash)" },
    { doc: "zsh, for good", line: 'streamlab completions zsh > "${fpath[1]}/_streamlab"' },
    { doc: "fish, for good", line: "streamlab completions fish > ~/.config/fish/completions/streamlab.fish" },
  ],
  flags: z.object({
    shell: flag.choice(SHELLS, { doc: "bash, zsh or fish", required: true, placeholder: "SHELL", position: 0 }),
  }),
  async run({ stdout, commands }, { shell }) {
    await stdout.write(completionScript(shell, await loadCommands(commands)));
    return 0;
  },
});

export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands);
}

function allFlags(command: Command): NamedFlag[] {
  return [...flagsOf(command.flags).flags, ...flagsOf(everywhereFlags).flags];
}

/** As a user types it: switches that are on by default are offered as `no-…`. */
function typedName({ name, meta }: NamedFlag): string {
  return meta.isSwitch && meta.default === "true" ? `no-${name}` : name;
}

function choicesOfFirstPosition(command: Command, names: string): string {
  const first = flagsOf(command.flags).positions[0]?.meta;
  return first?.placeholder === "COMMAND" ? names : first?.choices.join(" ") ?? "";
}

function bashScript(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const cases = commands.map((command) => {
    const flags = allFlags(command);
    const values = flags.filter(({ meta }) => !meta.isSwitch).map(({ name, meta }) =>
      `      --${name}) ${bashValues(meta)}; return ;;\n`
    );
    const words = [...flags.map((each) => `--${typedName(each)}`), "--help"].join(" ");
    return `  ${command.name})
    case "$previous" in
${values.join("")}    esac
    if [[ "$current" == -* ]]; then COMPREPLY=($(compgen -W "${words}" -- "$current"))
    else COMPREPLY=($(compgen -W "${choicesOfFirstPosition(command, names)}" -- "$current")); fi ;;
`;
  });
  return `# streamlab completion for bash
_streamlab() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then COMPREPLY=($(compgen -W "${names} --help --version" -- "$current")); return; fi
  case "\${COMP_WORDS[1]}" in
${cases.join("")}  esac
}
complete -F _streamlab streamlab
`;
}

function bashValues({ completes, choices }: FlagMeta): string {
  if (completes === "choices") return `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$current"))`;
  return completes === "file" ? `COMPREPLY=($(compgen -f -- "$current"))` : ":";
}

function zshScript(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(":", "\\:").replaceAll(/[[\]]/g, "\\$&");
  const names = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'\n`).join("");
  const cases = commands.map((command) => {
    const flags = allFlags(command).map((each) => {
      const { meta } = each;
      const many = meta.isList ? "*" : "";
      const value = meta.isSwitch ? "" : `:${meta.placeholder.toLowerCase().replaceAll("|", " ")}:${zshValues(meta)}`;
      return `      '${many}--${typedName(each)}[${quoted(meta.doc)}]${value}' \\\n`;
    });
    const words = choicesOfFirstPosition(command, commands.map(({ name }) => name).join(" "));
    return `    ${command.name}) _arguments \\\n${flags.join("")}      '--help[explain the command]'` +
      `${words === "" ? "" : ` \\\n      '1:argument:(${words})'`} ;;\n`;
  });
  return `#compdef streamlab
# streamlab completion for zsh
_streamlab() {
  local -a commands
  commands=(
${names}  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("")}  esac
}
if [ "$funcstack[1]" = _streamlab ]; then _streamlab "$@"; else compdef _streamlab streamlab; fi
`;
}

function zshValues({ completes, choices }: FlagMeta): string {
  return completes === "choices" ? `(${choices.join(" ")})` : completes === "file" ? "_files" : "";
}

function fishScript(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
  const lines = ["# streamlab completion for fish", "complete -c streamlab -f"];
  for (const { name, summary } of commands) {
    lines.push(`complete -c streamlab -n __fish_use_subcommand -a ${name} -d '${quoted(summary)}'`);
  }
  for (const command of commands) {
    const when = `complete -c streamlab -n '__fish_seen_subcommand_from ${command.name}'`;
    const words = choicesOfFirstPosition(command, commands.map(({ name }) => name).join(" "));
    if (words !== "") lines.push(`${when} -a '${words}'`);
    for (const each of allFlags(command)) {
      lines.push(`${when} -l ${typedName(each)} -d '${quoted(each.meta.doc)}'${fishValues(each.meta)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function fishValues({ isSwitch, completes, choices }: FlagMeta): string {
  if (isSwitch) return "";
  return completes === "choices" ? ` -x -a '${choices.join(" ")}'` : completes === "file" ? " -r -F" : " -x";
}
