# bash completion for glia-sync: the commands and options that --help lists.
_glia_sync() {
    local i given=() listed word=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD-1]} in
        -c | --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -c | --config) ((i++)) ;;
            -*) ;;
            *) given+=("${COMP_WORDS[i]}") ;;
        esac
    done
    listed=$("${COMP_WORDS[0]}" "${given[@]}" --help 2>/dev/null |
        sed -nE '/^Subcommands:/,/^$/s/^  ([a-z]+) .*/\1/p; s/^  (-[a-z], *)?(--[a-z-]+).*/\2/p')
    mapfile -t COMPREPLY < <(compgen -W "$listed --config" -- "$word")
}
complete -F _glia_sync glia-sync
