#ifndef WEIR_CLINUX_H
#define WEIR_CLINUX_H
// No _GNU_SOURCE here: Swift's Glibc module is built without it, and the same type must not have
// two definitions. What needs it is in CLinux.c.
#include <errno.h>
#include <liburing.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

// What Swift cannot import by itself: variadic functions, and liburing's inline functions that
// fill several union members of a submission entry. Each shim is one call with plain arguments.

/// A connection of a listener, closed on exec and non-blocking, or a negative errno.
int weir_accept(int descriptor);

/// Who is on the other end of a Unix socket. 0, or a negative errno.
int weir_peer_credentials(int descriptor, int *pid, unsigned *uid, unsigned *gid);

/// The soft and hard limit of descriptors. 0, or a negative errno.
int weir_descriptor_limit(unsigned long long *soft, unsigned long long *hard);

/// Sets the soft limit of descriptors. 0, or a negative errno.
int weir_set_descriptor_limit(unsigned long long soft);

/// A detached thread named `name` (at most 15 bytes) that takes no signals. 0, or a negative
/// errno.
int weir_start_thread(const char *name, void *(*body)(void *), void *argument);

/// Bytes in the socket's receive queue, or a negative errno.
static inline int weir_unread_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : -errno;
}

/// A receive into a buffer that the kernel takes from group `group` once data is there. With
/// `options` 0 it is tried at once; with IORING_RECVSEND_POLL_FIRST only when the socket says
/// that there is something.
static inline void weir_prepare_receive(struct io_uring_sqe *sqe, int descriptor, unsigned length,
                                        unsigned short group, unsigned short options,
                                        unsigned long long user_data) {
    io_uring_prep_recv(sqe, descriptor, NULL, length, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->ioprio |= options;
    sqe->buf_group = group;
    sqe->user_data = user_data;
}

/// A send of one run of bytes.
static inline void weir_prepare_send(struct io_uring_sqe *sqe, int descriptor, const void *bytes,
                                     size_t length, unsigned long long user_data) {
    io_uring_prep_send(sqe, descriptor, bytes, length, MSG_NOSIGNAL);
    sqe->user_data = user_data;
}

/// A send of several runs of bytes.
static inline void weir_prepare_send_message(struct io_uring_sqe *sqe, int descriptor,
                                             const struct msghdr *message,
                                             unsigned long long user_data) {
    io_uring_prep_sendmsg(sqe, descriptor, message, MSG_NOSIGNAL);
    sqe->user_data = user_data;
}

/// A connect to an address that need only live until the submission.
static inline void weir_prepare_connect(struct io_uring_sqe *sqe, int descriptor,
                                        const struct sockaddr *address, socklen_t length,
                                        unsigned long long user_data) {
    io_uring_prep_connect(sqe, descriptor, address, length);
    sqe->user_data = user_data;
}

/// Accepts connection after connection until an error or a cancel ends it.
static inline void weir_prepare_accept(struct io_uring_sqe *sqe, int descriptor,
                                       unsigned long long user_data) {
    io_uring_prep_multishot_accept(sqe, descriptor, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = user_data;
}

/// A read of an eventfd's counter.
static inline void weir_prepare_read(struct io_uring_sqe *sqe, int descriptor, void *bytes,
                                     unsigned length, unsigned long long user_data) {
    io_uring_prep_read(sqe, descriptor, bytes, length, 0);
    sqe->user_data = user_data;
}

/// A cancel of the operation that was submitted with `target` as its user data.
static inline void weir_prepare_cancel(struct io_uring_sqe *sqe, unsigned long long target,
                                       unsigned long long user_data) {
    io_uring_prep_cancel64(sqe, target, 0);
    sqe->user_data = user_data;
}

#endif
