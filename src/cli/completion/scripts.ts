/** The shells that can complete muster's words. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const bash = String.raw`# Completion of muster in bash: source <(muster completion bash)
_muster() {
  local reply files=
  COMPREPLY=()
  while IFS= read -r reply; do
    if [[ $reply == :files ]]; then files=1; else COMPREPLY+=("${'${'}reply%%$'\t'*}"); fi
  done < <(muster __complete --bash "${'${'}COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
  if ((${'${'}#COMPREPLY[@]} == 0)); then
    # Paths are best left to readline.
    [[ -n $files ]] && compopt -o default 2>/dev/null
  elif ((${'${'}#COMPREPLY[@]} == 1)) && [[ ${'${'}COMPREPLY[0]} == *[=,/:] ]]; then
    # There is more to come.
    compopt -o nospace 2>/dev/null
  fi
  return 0
}
complete -F _muster muster
`;

const zsh = String.raw`#compdef muster
# Completion of muster in zsh: source <(muster completion zsh)
_muster() {
  local -a whole open
  local reply value about entry files= ret=1
  for reply in "${'${'}(@f)$(muster __complete -- "${'${'}(@Q)words[2,CURRENT-1]}" "${'${'}(Q)PREFIX}" 2>/dev/null)}"; do
    if [[ $reply == :files ]]; then
      files=1
      continue
    fi
    [[ -n $reply ]] || continue
    value=${'${'}reply%%$'\t'*}
    about=${'${'}reply#*$'\t'}
    entry=${'${'}${'${'}value//\\/\\\\}//:/\\:}${'${'}about:+:$about}
    if [[ $value == *[=,/:] ]]; then open+=("$entry"); else whole+=("$entry"); fi
  done
  (( $#whole )) && _describe -t values muster whole && ret=0
  # There is more to come behind these: no space.
  (( $#open )) && _describe -t values muster open -S '' && ret=0
  if [[ -n $files ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files && ret=0
  fi
  return ret
}
if [[ $funcstack[1] == _muster ]]; then
  # Found by way of fpath.
  _muster "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _muster muster
fi
`;

const fish = String.raw`# Completion of muster in fish: muster completion fish | source
function __muster_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l token (commandline -ct)
    for reply in (muster __complete --fish -- $words "$token" 2>/dev/null)
        if test "$reply" != :files
            printf '%s\n' $reply
            continue
        end
        set -l lead (string match -r -- '^--[^=]+=' "$token")
        for path in (__fish_complete_path (string replace -- "$lead" '' "$token"))
            printf '%s%s\n' "$lead" $path
        end
    end
end
complete -c muster -e
complete -c muster -f -a '(__muster_complete)'
`;

/** What a shell has to read to complete muster's words. */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };

/** How each shell reads it whenever it starts. */
export const installLines: Readonly<Record<Shell, string>> = {
  bash: 'source <(muster completion bash)   # in ~/.bashrc',
  zsh: 'source <(muster completion zsh)    # in ~/.zshrc',
  fish: 'muster completion fish > ~/.config/fish/completions/muster.fish',
};
