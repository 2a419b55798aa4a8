#include "server/os/datagram.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103  // linux/udp.h, which does not go together with netinet/udp.h
#endif

namespace server {
namespace {

constexpr int listener_buffer = 4 * 1024 * 1024;
constexpr int most_tries = 3;

template <class Value>
void set(int fd, int level, int option, const Value& value) {
  // Each of these makes things better where it works, and is missed by nobody where it does not.
  [[maybe_unused]] const int ignored = ::setsockopt(fd, level, option, &value, sizeof value);
}

void leave_fragmenting_to_routers(int handle, bool v6) {
  if (v6) {
    set(handle, IPPROTO_IPV6, IPV6_MTU_DISCOVER, int{IPV6_PMTUDISC_DONT});
  } else {
    set(handle, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_DONT});
  }
}

void note_local_address(msghdr& message, Datagram& datagram) {
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      // ipi_spec_dst, not ipi_addr: for a request to a broadcast address it is the interface's own.
      datagram.to = net::ip::address_v4(ntohl(info.ipi_spec_dst.s_addr));
      datagram.to_many = info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      net::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
      const net::ip::address_v6 address(bytes);
      datagram.to_many = address.is_multicast();
      datagram.to = datagram.to_many          ? net::ip::address_v6::any()
                    : address.is_link_local() ? net::ip::address_v6(bytes, info.ipi6_ifindex)
                                              : address;
    }
  }
}

// The ancillary data of one message, filled from the front.
class Control {
 public:
  explicit Control(msghdr& message) : message_(message) { message.msg_control = buffer_.data(); }

  template <class Value>
  void add(int level, int type, const Value& value) {
    auto* header = reinterpret_cast<cmsghdr*>(buffer_.data() + message_.msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    message_.msg_controllen += CMSG_SPACE(sizeof value);
  }

 private:
  msghdr& message_;
  alignas(cmsghdr) std::array<std::byte, 128> buffer_{};
};

void speak_from(const net::ip::address& address, Control& control) {
  if (address.is_v4()) {
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(address.to_v4().to_uint());
    control.add(IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(&info.ipi6_addr, bytes.data(), bytes.size());
    info.ipi6_ifindex = static_cast<unsigned>(address.to_v6().scope_id());
    control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

// Errors that routers and hosts report for an earlier packet, whichever client it was sent to.
bool is_of_an_earlier_packet(int error) {
  constexpr std::array news{ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENONET, EPROTO, EACCES};
  return std::ranges::find(news, error) != news.end();
}

std::error_code last_error() { return {errno, std::system_category()}; }

UdpHandle open_bound(const udp::endpoint& local, bool share_port, std::error_code& error) {
  const bool v6 = local.protocol() == udp::v6();
  UdpHandle handle(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (handle.get() < 0) {
    error = last_error();
    return handle;
  }
  if (v6) set(handle.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (share_port) set(handle.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(handle.get(), local.data(), static_cast<socklen_t>(local.size())) < 0) error = last_error();
  return handle;
}

udp::endpoint local_endpoint(int handle) {
  udp::endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(handle, endpoint.data(), &size) == 0) endpoint.resize(size);
  return endpoint;
}

// The kernel counts its own bookkeeping against the buffer, about as much again.
void make_room_for(int handle, std::size_t bytes) {
  int present = 0;
  socklen_t size = sizeof present;
  ::getsockopt(handle, SOL_SOCKET, SO_SNDBUF, &present, &size);
  if (const auto wanted = static_cast<int>(2 * bytes); wanted > present) {
    set(handle, SOL_SOCKET, SO_SNDBUF, wanted);
  }
}

}  // namespace

UdpHandle::~UdpHandle() {
  if (handle_ >= 0) ::close(handle_);
}

void prepare_listener(udp::socket& socket) {
  const int fd = socket.native_handle();
  const bool v6 = socket.local_endpoint().protocol() == udp::v6();
  set(fd, v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
  set(fd, SOL_SOCKET, SO_RCVBUF, listener_buffer);
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, listener_buffer);
  leave_fragmenting_to_routers(fd, v6);
}

void prepare_shared(udp::socket& socket) {
  const bool v6 = socket.local_endpoint().protocol() == udp::v6();
  set(socket.native_handle(), v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, v6 ? IPV6_RECVERR : IP_RECVERR, 1);
}

bool next_unreachable(int handle, std::optional<udp::endpoint>& closed) {
  closed.reset();
  udp::endpoint to;
  alignas(cmsghdr) std::array<std::byte, 512> control;
  msghdr message{};
  message.msg_name = to.data();
  message.msg_namelen = static_cast<socklen_t>(to.capacity());
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(handle, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
  to.resize(message.msg_namelen);
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    const bool tells = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
    if (!tells) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(c), sizeof error);
    // As of a connected socket only this is the end.
    if (error.ee_errno == ECONNREFUSED) closed = to;
  }
  return true;
}

std::optional<Datagram> receive_from_anyone(int handle, std::span<std::byte> buffer) {
  udp::endpoint from;
  iovec vector{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<std::byte, 256> control;
  msghdr message{};
  message.msg_name = from.data();
  message.msg_namelen = static_cast<socklen_t>(from.capacity());
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto count = ::recvmsg(handle, &message, MSG_DONTWAIT);
  // Of some client's closed port, which next_unreachable() tells: the packets after it still wait.
  if (count < 0 && errno != EAGAIN) count = ::recvmsg(handle, &message, MSG_DONTWAIT);
  if (count < 0) return {};
  from.resize(message.msg_namelen);
  Datagram datagram{buffer.first(static_cast<std::size_t>(count)), from, {}};
  note_local_address(message, datagram);
  return datagram;
}

ClientSockets open_for_client(const net::ip::address& local, std::uint16_t local_port,
                              const udp::endpoint& peer, std::size_t send_buffer, std::error_code& error) {
  const bool v6 = peer.protocol() == udp::v6();
  const auto any = v6 ? net::ip::address(net::ip::address_v6::any()) : net::ip::address_v4::any();
  ClientSockets sockets;
  sockets.client = open_bound({local.is_unspecified() ? any : local, local_port}, false, error);
  if (error) return sockets;
  // Only now, so that the system never gives a port twice.
  set(sockets.client.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  sockets.strangers = open_bound(local_endpoint(sockets.client.get()), true, error);
  if (error) return sockets;
  if (::connect(sockets.client.get(), peer.data(), static_cast<socklen_t>(peer.size())) < 0) {
    error = last_error();
    return sockets;
  }
  leave_fragmenting_to_routers(sockets.client.get(), v6);
  make_room_for(sockets.client.get(), send_buffer);
  return sockets;
}

std::size_t receive_from_client(int handle, std::span<std::byte> buffer, std::error_code& error) {
  const auto count = ::recv(handle, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count >= 0) return static_cast<std::size_t>(count);
  error = last_error();
  return 0;
}

bool PacketSender::send_message(std::span<const std::byte> bytes, std::uint16_t segment) const {
  iovec vector{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  Control control(message);
  if (to_) {
    message.msg_name = const_cast<sockaddr*>(to_->data());
    message.msg_namelen = static_cast<socklen_t>(to_->size());
    if (!from_.is_unspecified()) speak_from(from_, control);
  }
  if (segment > 0) control.add(IPPROTO_UDP, UDP_SEGMENT, segment);
  for (int tries = 0; tries < most_tries; ++tries) {
    if (::sendmsg(handle_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    // A shared socket tells each sender once of any client's closed port, or of its network.
    if (!to_ || !is_of_an_earlier_packet(errno)) return false;
  }
  return true;  // it is as if it had been lost
}

std::size_t PacketSender::send(std::span<const std::byte> packets, std::size_t packet_size,
                               std::error_code& error) {
  const auto count = packets.size() <= packet_size ? 1 : (packets.size() + packet_size - 1) / packet_size;
  if (segmentation_ && count > 1) {
    if (send_message(packets, static_cast<std::uint16_t>(packet_size))) return count;
    // The kernel does not know it (EINVAL, ENOPROTOOPT), the packets need fragments (EINVAL, EMSGSIZE), or
    // the device cannot (EIO): then one by one, for this transfer's rest.
    if (errno != EIO && errno != EINVAL && errno != EMSGSIZE && errno != EOPNOTSUPP && errno != ENOPROTOOPT) {
      error = last_error();
      return 0;
    }
    segmentation_ = false;
  }
  for (std::size_t sent = 0; sent < count; ++sent) {
    const auto packet =
        packets.subspan(sent * packet_size, std::min(packet_size, packets.size() - sent * packet_size));
    const bool taken = to_ ? send_message(packet, 0)
                           : ::send(handle_, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    if (!taken) {
      error = last_error();
      return sent;
    }
  }
  return count;
}

}  // namespace server
