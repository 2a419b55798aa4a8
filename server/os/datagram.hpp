#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "server/loop/net.hpp"

namespace server {

// UDP beyond what Asio has: the address that a request was sent to, and many packets in one call.

// A packet that came, with both of its addresses.
struct Datagram {
  std::span<const std::byte> bytes;
  udp::endpoint from;
  net::ip::address to;   // the address of ours that was asked
  bool to_many = false;  // by broadcast or multicast: other hosts hear it too
};

// Makes a bound wildcard socket tell the address asked, and gives it room for a burst: a thousand access
// points ask in the same second, and what the kernel drops comes again only after their timeout.
void prepare_listener(udp::socket& socket);
// Makes it tell whose port is closed (ICMP), which a socket that many clients share otherwise does not.
// Windows cannot say whose: a transfer whose client is gone ends there by its timeouts.
void prepare_shared(udp::socket& socket);
// The next packet, into `buffer`; what is longer is cut. Nothing when none waits.
std::optional<Datagram> receive_from_anyone(SocketHandle handle, std::span<std::byte> buffer);
// Takes the next thing that a shared socket was told of its packets; false when there is none. `closed` is
// the client whose port is closed, or nobody: a network that is away may come back.
bool next_unreachable(SocketHandle handle, std::optional<udp::endpoint>& closed);

// Owns a socket that Asio does not know.
class UdpHandle {
 public:
  UdpHandle() = default;
  explicit UdpHandle(SocketHandle handle) : handle_(handle) {}
  UdpHandle(UdpHandle&& other) noexcept : handle_(std::exchange(other.handle_, no_socket)) {}
  UdpHandle& operator=(UdpHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~UdpHandle();
  SocketHandle get() const { return handle_; }
  SocketHandle release() { return std::exchange(handle_, no_socket); }
  explicit operator bool() const { return handle_ != no_socket; }

 private:
  SocketHandle handle_ = no_socket;
};

// A port of ours for one client. The first socket is connected, so the kernel finds it fast and tells when
// the client's port is closed; what anybody else sends to the port arrives at the other. Windows does not say
// which of two sockets at one port gets a packet: there is no other, and nobody hears strangers.
struct ClientSockets {
  UdpHandle client, strangers;
};
// They speak from `local`, and leave large datagrams to be fragmented: DF makes boot loaders fail.
// `local_port` 0: any.
ClientSockets open_for_client(const net::ip::address& local, std::uint16_t local_port,
                              const udp::endpoint& peer, std::size_t send_buffer, std::error_code& error);

// The next packet of a connected client. operation_would_block when none waits, connection_refused when its
// port is closed.
std::size_t receive_from_client(SocketHandle handle, std::span<std::byte> buffer, std::error_code& error);

// Sends packets of one transfer, many at once where kernel and device can (UDP_SEGMENT, and UDP_SEND_MSG_SIZE
// on Windows), else one by one.
// Which it is shows at the first send and is kept.
class PacketSender {
 public:
  explicit PacketSender(SocketHandle connected) : handle_(connected) {}
  // Through a socket that many clients share: `from` is the address that the client asked.
  PacketSender(SocketHandle shared, const udp::endpoint& to, const net::ip::address& from)
      : handle_(shared), to_(to), from_(from) {}

  // `packets` are `packet_size` bytes each but for the last. Returns how many packets were taken, with
  // errc::operation_would_block in `error` when the socket's buffer is full.
  std::size_t send(std::span<const std::byte> packets, std::size_t packet_size, std::error_code& error);

  static constexpr std::size_t most_packets = 64;    // the kernel's UDP_MAX_SEGMENTS before 6.x
  static constexpr std::size_t most_bytes = 65'000;  // below what one IP datagram holds

 private:
  bool send_message(std::span<const std::byte> bytes, std::uint16_t segment) const;

  SocketHandle handle_;
  std::optional<udp::endpoint> to_;
  net::ip::address from_;
  bool segmentation_ = true;
};

}  // namespace server
