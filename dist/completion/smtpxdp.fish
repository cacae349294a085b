# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion for smtpxdp, which says itself what may come: see "smtpxdp complete"
# in user/cmd/cmd_complete.h. It needs no root, but for addresses in the lists.

function __smtpxdp_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in (smtpxdp complete -- $words[2..-1] "$word" 2>/dev/null)
        switch $line
            case ':file'
                __fish_complete_path "$word"
            case ':folder'
                __fish_complete_directories "$word" ''
            case ':host'
                __fish_print_hostnames
            case '*'
                echo $line
        end
    end
end

complete -c smtpxdp -f -a '(__smtpxdp_complete)'
