#pragma once

namespace test {

// OpenSSL, libssh and sendfile raise it where a peer is gone. The server ignores it, and so does each test
// that includes this. Windows has no such signal.
bool ignore_sigpipe();
inline const bool sigpipe_is_ignored = ignore_sigpipe();

}  // namespace test
