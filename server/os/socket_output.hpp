#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

#include "server/loop/net.hpp"

namespace storage {
class File;
}  // namespace storage

namespace server {

// Sends bytes of an open file through a connected socket that does not block, without their way through this
// process (Linux: sendfile). Waits for the disk where memory does not hold them: ask File::is_cached()
// before. How many were sent; none without an error means that the file ends before `offset`. With `error`
// operation_would_block the socket is full.
std::size_t send_file(SocketHandle socket, const storage::File& file, std::uint64_t offset, std::size_t size,
                      std::error_code& error);

// How many bytes were handed to the system and not confirmed by the other side yet; nothing where the system
// does not say.
std::optional<std::size_t> unconfirmed_bytes(SocketHandle socket);

// Whether nothing goes over this TCP connection any more: it was reset, or both sides have ended it. Also
// where the socket's error was read before.
bool is_disconnected(SocketHandle socket);

// Sends as many of the bytes as a connected socket that does not block takes now, and drops the others: for
// the last words of a connection that ends.
void send_at_once(SocketHandle socket, std::span<const std::byte> bytes) noexcept;

}  // namespace server
