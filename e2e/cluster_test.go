package e2e

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// cluster is a PostgreSQL server of a test's own, which it can take away.
type cluster struct {
	t    *testing.T
	bin  string // directory of its programs
	dir  string
	as   []string // what runs a command as somebody whom PostgreSQL accepts
	port string
}

// newCluster starts a cluster. Without PostgreSQL's programs, or somebody to run
// them as, the test is skipped.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		skip(t, "there are no programs of PostgreSQL")
	}
	c.bin = filepath.Dir(slices.Max(found))
	if c.dir, err = os.MkdirTemp("", "cota-cluster-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(c.dir) })
	if os.Geteuid() == 0 {
		c.become("postgres")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, c.port, _ = net.SplitHostPort(ln.Addr().String())
	ln.Close()
	c.must("initdb", "--pgdata="+c.data(), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	c.start()
	t.Cleanup(func() { c.run("pg_ctl", "--pgdata="+c.data(), "--mode=immediate", "stop") }) // it may have been stopped
	return c
}

// become has PostgreSQL, which refuses to run as root, run as another user.
func (c *cluster) become(name string) {
	c.t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		skip(c.t, "there is no user to run PostgreSQL as")
	}
	uid, err := strconv.Atoi(u.Uid)
	if err == nil {
		err = os.Chown(c.dir, uid, -1)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.as = []string{"runuser", "-u", name, "--"}
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// run runs one of PostgreSQL's programs.
func (c *cluster) run(program string, args ...string) error {
	argv := append(slices.Clone(c.as), filepath.Join(c.bin, program))
	cmd := exec.Command(argv[0], append(argv[1:], args...)...)
	cmd.Dir = c.dir
	// Not a pipe: the server would hold it open.
	out, err := os.OpenFile(filepath.Join(c.dir, "out"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w\n%s", program, err, said)
	}
	return nil
}

func (c *cluster) must(program string, args ...string) {
	c.t.Helper()
	if err := c.run(program, args...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) start() {
	c.t.Helper()
	options := fmt.Sprintf("-p %s -k %s -c listen_addresses=127.0.0.1 -c fsync=off", c.port, c.dir)
	c.must("pg_ctl", "--pgdata="+c.data(), "--log="+filepath.Join(c.dir, "log"), "--options="+options, "--wait", "--timeout=60", "start")
}

// stop stops the cluster: "fast", as an operator does, or "immediate", as if it
// had crashed.
func (c *cluster) stop(mode string) {
	c.t.Helper()
	c.must("pg_ctl", "--pgdata="+c.data(), "--mode="+mode, "--wait", "stop")
}

// freeze has every process of the cluster stand still: it refuses nothing and
// answers nothing. thaw lets them go on.
func (c *cluster) freeze() (thaw func()) {
	c.t.Helper()
	pids := c.processes()
	signal := func(sig syscall.Signal) {
		c.t.Helper()
		for _, pid := range pids {
			if err := syscall.Kill(pid, sig); err != nil && err != syscall.ESRCH { // a worker may have ended
				c.t.Errorf("signal %v to a process of PostgreSQL: %v", sig, err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	thaw = sync.OnceFunc(func() { signal(syscall.SIGCONT) })
	c.t.Cleanup(thaw)
	return thaw
}

// processes are the postmaster and its children.
func (c *cluster) processes() (pids []int) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		c.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		c.t.Fatal(err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", postmaster, postmaster)) // proc(5)
	if err != nil {
		c.t.Fatal(err)
	}
	pids = []int{postmaster} // first, or it would begin another
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			c.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// address is its database.
func (c *cluster) address() string {
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Host: net.JoinHostPort("127.0.0.1", c.port), Path: "/postgres", RawQuery: "sslmode=disable"}).String()
}
