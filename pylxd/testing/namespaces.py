"""The shell scripts that start a server in namespaces, and end it there."""

#: The command that runs another command in new namespaces. With `slave`,
#: what is unmounted outside is unmounted inside as well.
NAMESPACES = ['unshare', '--mount', '--propagation', 'slave', '--pid',
              '--fork', '--mount-proc']

#: The keeper. Its arguments: where to make the directory, the root (may be
#: empty), the daemon, the variable that names the directory of the daemon, and
#: the command that runs INIT_SCRIPT in new namespaces.
KEEPER_SCRIPT = r'''
export root=$2 daemon=$3 variable=$4
home=$(mktemp --directory "$1/pylxd-XXXXXX") || exit
export home
shift 4
# the root user of a container is another user here, and needs to enter
mkdir "$home/server" && chmod 711 "$home" "$home/server"
echo "$home"
"$@"
exec >/dev/null 2>&1
grep -o '/.*lxc\.\(monitor\|payload\)\.[^/]*' "$home/cgroups" | sort -u |
while read -r group; do
    find /sys/fs/cgroup{,/*}"$group" -depth -type d -exec rmdir {} \;
done
rm -rf "$home"
'''

#: The first steps in new namespaces: enter $root, if it is not empty.
ENTER = r'''
set -e
if [ "$root" ]; then
    mount --bind "$root" "$root"
    cd "$root"
    for place in proc sys dev; do mount --rbind /$place $place; done
    # Incus 7 needs cgroup2
    [ -e sys/fs/cgroup/cgroup.procs ] ||
        mount -t cgroup2 cgroup2 sys/fs/cgroup
    # no container can start in a chroot
    pivot_root . mnt
    cd /
    umount --lazy mnt
    unset TMPDIR
    home=${home#"$root"}
fi
'''

#: The init process of the namespaces: it sets them up, then reads orders, one
#: per line, and answers each with one line.
INIT_SCRIPT = ENTER + r'''
set +e
# Containers get groups below the control group of this process. With cgroup2
# only the topmost group may contain both groups and processes.
[ -e /sys/fs/cgroup/cgroup.procs ] && echo 0 >/sys/fs/cgroup/cgroup.procs
export "$variable=$home/server"
exec 2>>"$home/log"
echo ready
while read -r order; do
    case $order in
    start)
        [ -e "$home/ca.pem" ] && export SSL_CERT_FILE=$home/ca.pem
        "$daemon" --group root </dev/null >>"$home/log" 2>&1 & pid=$! ;;
    alive) kill -0 $pid ;;
    kill) kill -KILL $pid; wait $pid ;;
    exit) break ;;
    esac
    echo $?
done
cat /proc/[0-9]*/cgroup >"$home/cgroups"
# A frozen process takes no SIGKILL with the older control groups.
grep -o '/.*lxc\.payload\.[^/]*' "$home/cgroups" | sort -u |
while read -r group; do
    find /sys/fs/cgroup{,/freezer}"$group" -name freezer.state \
        -exec sh -c 'echo THAWED >"$1"' sh {} \;
done
kill -KILL $pid
for profile in "$home/server"/security/apparmor/profiles/*; do
    apparmor_parser --remove "$profile"
done
for path in "$home/server"/networks/*/; do
    bridge=$(basename "$path")
    # A container that was starting leaves its veth pair here.
    for port in /sys/class/net/"$bridge"/brif/veth*; do
        ip link delete "${port##*/}"
    done
    ip link delete "$bridge"
    ip link delete "$bridge-mtu"
    # Firewall rules outlive their bridge. A table is deleted with its last
    # chain: the tables of Incus 7 crash the older nft of the host.
    nft list chains | awk -v bridge="$bridge" '
        $1 == "table" { table = $2 " " $3; tables[table] }
        $1 == "chain" && substr($2, index($2, ".") + 1) == bridge {
            print "delete chain", table, $2; next }
        $1 == "chain" { kept[table] }
        END { for (table in tables)
            if (table ~ / (incus|lxd)$/ && !(table in kept))
                print "delete table", table }' | nft -f -
done
'''
