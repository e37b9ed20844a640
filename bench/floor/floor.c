/*
 * The floor: what the kernel takes to accept connections and to write the same
 * bytes to each of them. No server that writes to sockets one by one can spend
 * less.
 *
 *     floor PORT
 *
 * It accepts every connection on 127.0.0.1:PORT. A line "send N" on standard
 * input writes N bytes to each, and answers "sent" when the last is written.
 * It ends when standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 20000, LONGEST = 1 << 20, BACKLOG = 4096 };

static int conns[MOST];
static int count;
static char message[LONGEST];

static void die(const char *what) {
	perror(what);
	exit(1);
}

static int listen_on(int port) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, BACKLOG) != 0)
		die("listen");
	return fd;
}

static void accept_all(int ln) {
	while (count < MOST) {
		int on = 1, fd = accept4(ln, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EAGAIN || errno == ECONNABORTED)
				return;
			die("accept");
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		conns[count++] = fd;
	}
}

static void send_all(size_t size) {
	if (size > LONGEST)
		size = LONGEST;
	for (int i = 0; i < count; i++)
		if (send(conns[i], message, size, MSG_NOSIGNAL) != (ssize_t)size)
			die("send");
	puts("sent");
	fflush(stdout);
}

int main(int argc, char **argv) {
	struct rlimit files = {MOST, MOST};
	char line[64];
	size_t size;

	if (argc != 2) {
		fputs("usage: floor PORT\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	memset(message, 'x', sizeof message);
	struct pollfd on[] = {{.fd = listen_on(atoi(argv[1])), .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	for (;;) {
		if (poll(on, 2, -1) < 0)
			die("poll");
		if (on[0].revents)
			accept_all(on[0].fd);
		if (on[1].revents) {
			ssize_t n = read(0, line, sizeof line - 1);
			if (n <= 0)
				return 0;
			line[n] = 0;
			if (sscanf(line, "send %zu", &size) == 1)
				send_all(size);
		}
	}
}
