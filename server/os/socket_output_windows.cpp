#include "server/os/socket_output.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "server/os/winsock.hpp"
#include "storage/files/file.hpp"

namespace server {
namespace {

// SIO_TCP_INFO and TCP_INFO_v0 of Windows 10 1703, which mstcpip.h hides from programs for the first
// Windows 10.
constexpr DWORD ask_tcp = _WSAIORW(IOC_VENDOR, 39);
struct TcpInfo {
  ULONG state, largest_segment;
  ULONG64 milliseconds;
  BOOLEAN has_timestamps;
  ULONG round_trip, least_round_trip, bytes_in_flight, congestion_window, send_window, receive_window,
      receive_buffer;
  ULONG64 bytes_out, bytes_in;
  ULONG bytes_reordered, bytes_sent_again, fast_retransmits, duplicate_acks, timeouts;
  UCHAR syns_sent_again;
};

std::optional<TcpInfo> info_of(SocketHandle socket) {
  DWORD version = 0, size = 0;
  TcpInfo info{};
  if (::WSAIoctl(socket, ask_tcp, &version, sizeof version, &info, sizeof info, &size, nullptr, nullptr) != 0)
    return {};
  return info;
}

}  // namespace

// By way of a buffer: TransmitFile() waits for the client on a socket that Asio does not wait for.
std::size_t send_file(SocketHandle socket, const storage::File& file, std::uint64_t offset, std::size_t size,
                      std::error_code& error) {
  static thread_local std::array<std::byte, 65'536> buffer;
  std::size_t sent = 0;
  while (sent < size) {
    const std::array<std::span<std::byte>, 1> piece{
        std::span(buffer).first(std::min(buffer.size(), size - sent))};
    const auto got = file.read(piece, offset + sent);
    if (!got) {
      if (sent == 0) error = std::make_error_code(std::errc::io_error);
      return sent;
    }
    if (*got == 0) return sent;
    const auto taken =
        ::send(socket, reinterpret_cast<const char*>(buffer.data()), static_cast<int>(*got), 0);
    if (taken < 0) {
      if (sent == 0) error = last_socket_error();
      return sent;
    }
    sent += static_cast<std::size_t>(taken);
    if (static_cast<std::size_t>(taken) < *got) return sent;
  }
  return sent;
}

// What is on its way. Windows does not count what still waits to be sent; but as long as something waits,
// something is on its way, unless the client takes nothing at all.
std::optional<std::size_t> unconfirmed_bytes(SocketHandle socket) {
  const auto info = info_of(socket);
  return info ? std::optional<std::size_t>(info->bytes_in_flight) : std::nullopt;
}

// A connection that was reset may have no state to ask for any more, only that error.
bool is_disconnected(SocketHandle socket) {
  constexpr ULONG closed = 0, time_wait = 10;  // of TCPSTATE
  const auto info = info_of(socket);
  if (info) return info->state == closed || info->state == time_wait;
  const auto error = ::WSAGetLastError();
  return error == WSAECONNRESET || error == WSAECONNABORTED;
}

void send_at_once(SocketHandle socket, std::span<const std::byte> bytes) noexcept {
  ::send(socket, reinterpret_cast<const char*>(bytes.data()), static_cast<int>(bytes.size()), 0);
}

}  // namespace server
