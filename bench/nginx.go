package main

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// nginx serves files to who has a signed link, as ngx_http_secure_link_module
// checks it: a digest of expiry, path and a secret.
type nginx struct {
	p    *process
	addr netip.AddrPort
	dir  string // of the files
}

const nginxSecret = "measured"

// nginxConf is nginx as one would run it for small files: one worker, files
// kept open, nothing logged.
const nginxConf = `
%s
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid %s/pid;
error_log stderr error;
events { worker_connections 10000; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_timeout 60s;
	keepalive_requests 1000000;
	open_file_cache max=1000;
	default_type application/json;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s backlog=4096;
		root %[2]s/files;
		location /c/ {
			secure_link $arg_md5,$arg_expires;
			secure_link_md5 "$secure_link_expires$uri %[4]s";
			if ($secure_link = "") { return 403; }
			if ($secure_link = "0") { return 410; }
		}
	}
}
`

func startNginx(ctx context.Context, r *rig) (*nginx, error) {
	dir, err := r.folder("nginx")
	if err != nil {
		return nil, err
	}
	s := &nginx{dir: dir}
	if s.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "files", "c"), 0o755); err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, user, dir, s.addr, nginxSecret), 0o644); err != nil {
		return nil, err
	}
	if s.p, err = startProcess(ctx, r.file("nginx.log"), nil, "nginx", "-p", dir, "-c", conf); err != nil {
		return nil, err
	}
	if err := await(ctx, s.p, func() bool { return listens(s.addr) }); err != nil {
		return nil, err
	}
	var adopted error
	worker := func() bool { // which begins after the address is listened at
		adopted = s.p.adopt()
		return adopted != nil || len(s.p.pids) > 1
	}
	if err := await(ctx, s.p, worker); err != nil {
		return nil, err
	}
	return s, adopted
}

// links writes a file of the given size, and a list of links to it that all
// differ, as those of a push do.
func (s *nginx) links(r *rig, name string, size, count int) (list string, err error) {
	if err := os.WriteFile(filepath.Join(s.dir, "files", "c", name), []byte(document(0, size)), 0o644); err != nil {
		return "", err
	}
	var text strings.Builder
	later := time.Now().Add(time.Hour).Unix()
	for i := range count {
		expires := later + int64(i)
		sum := md5.Sum(fmt.Appendf(nil, "%d/c/%s %s", expires, name, nginxSecret))
		fmt.Fprintf(&text, "http://%s/c/%s?md5=%s&expires=%d\n", s.addr, name, base64.RawURLEncoding.EncodeToString(sum[:]), expires)
	}
	list = r.file("links")
	return list, os.WriteFile(list, []byte(text.String()), 0o644)
}
