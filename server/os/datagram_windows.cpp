#include "server/os/datagram.hpp"

#include "server/os/winsock.hpp"
// After winsock.hpp: it needs winsock2.h.
#include <iphlpapi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE 2  // ws2ipdef.h of Windows 10 2004, which mingw-w64 10 does not have
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

namespace server {
namespace {

constexpr int listener_buffer = 4 * 1024 * 1024;

template <class Function>
Function extension(SocketHandle handle, GUID id) {
  Function function = nullptr;
  DWORD size = 0;
  ::WSAIoctl(handle, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function, &size,
             nullptr, nullptr);
  return function;
}

void leave_fragmenting_to_routers(SocketHandle handle, bool v6) {
  set_option(handle, v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, v6 ? IPV6_DONTFRAG : IP_DONTFRAGMENT,
             DWORD{0});
}

// Else a client that went away makes the next call for all others fail (WSAECONNRESET), without its name.
void ignore_icmp(SocketHandle handle) {
  for (const DWORD code : {DWORD{SIO_UDP_CONNRESET}, DWORD{SIO_UDP_NETRESET}}) {
    BOOL told = FALSE;
    DWORD size = 0;
    ::WSAIoctl(handle, code, &told, sizeof told, nullptr, 0, &size, nullptr, nullptr);
  }
}

// An address of ours at an interface: Windows tells the broadcast address that was asked, and no other.
std::optional<net::ip::address_v4> own_address_at(ULONG interface_index) {
  MIB_UNICASTIPADDRESS_TABLE* table = nullptr;
  if (::GetUnicastIpAddressTable(AF_INET, &table) != NO_ERROR) return {};
  std::optional<net::ip::address_v4> found;
  for (ULONG i = 0; i < table->NumEntries && !found; ++i) {
    const auto& row = table->Table[i];
    if (row.InterfaceIndex == interface_index && row.DadState == IpDadStatePreferred)
      found = net::ip::address_v4(ntohl(row.Address.Ipv4.sin_addr.s_addr));
  }
  ::FreeMibTable(table);
  return found;
}

// Broadcasts may come as fast as anybody likes, and to look costs as much as a dozen packets.
net::ip::address own_address_once_a_second(ULONG interface_index) {
  using Clock = std::chrono::steady_clock;
  static thread_local ULONG known_index = 0;
  static thread_local net::ip::address known;
  static thread_local Clock::time_point until;
  const auto now = Clock::now();
  if (interface_index != known_index || now >= until) {
    known_index = interface_index;
    known = own_address_at(interface_index).value_or(net::ip::address_v4());
    until = now + std::chrono::seconds(1);
  }
  return known;
}

void note_local_address(WSAMSG& message, Datagram& datagram) {
  datagram.to_many = (message.dwFlags & (MSG_BCAST | MSG_MCAST)) != 0;
  for (auto* c = WSA_CMSG_FIRSTHDR(&message); c; c = WSA_CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      IN_PKTINFO info;
      std::memcpy(&info, WSA_CMSG_DATA(c), sizeof info);
      const net::ip::address_v4 address(ntohl(info.ipi_addr.s_addr));
      datagram.to_many |= address.is_multicast() || address == net::ip::address_v4::broadcast();
      datagram.to = datagram.to_many ? own_address_once_a_second(info.ipi_ifindex) : address;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      IN6_PKTINFO info;
      std::memcpy(&info, WSA_CMSG_DATA(c), sizeof info);
      net::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
      const net::ip::address_v6 address(bytes);
      datagram.to_many |= address.is_multicast();
      datagram.to = datagram.to_many          ? net::ip::address_v6::any()
                    : address.is_link_local() ? net::ip::address_v6(bytes, info.ipi6_ifindex)
                                              : address;
    }
  }
}

// The ancillary data of one message, filled from the front.
class Control {
 public:
  explicit Control(WSAMSG& message) : message_(message) {}

  template <class Value>
  void add(int level, int type, const Value& value) {
    auto& control = message_.Control;
    control.buf = reinterpret_cast<char*>(buffer_.data());
    auto* header = reinterpret_cast<WSACMSGHDR*>(buffer_.data() + control.len);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = WSA_CMSG_LEN(sizeof value);
    std::memcpy(WSA_CMSG_DATA(header), &value, sizeof value);
    control.len += static_cast<ULONG>(WSA_CMSG_SPACE(sizeof value));
  }

 private:
  WSAMSG& message_;
  alignas(WSACMSGHDR) std::array<std::byte, 128> buffer_{};
};

void speak_from(const net::ip::address& address, Control& control) {
  if (address.is_v4()) {
    IN_PKTINFO info{};
    info.ipi_addr.s_addr = htonl(address.to_v4().to_uint());
    control.add(IPPROTO_IP, IP_PKTINFO, info);
  } else {
    IN6_PKTINFO info{};
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(&info.ipi6_addr, bytes.data(), bytes.size());
    info.ipi6_ifindex = static_cast<ULONG>(address.to_v6().scope_id());
    control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

// There is no connection that could be reset: it is how Windows tells of a client's closed port.
std::error_code last_udp_error() {
  const auto error = last_socket_error();
  return error == std::errc::connection_reset ? std::make_error_code(std::errc::connection_refused) : error;
}

// Asked before it is used: wine takes the size with a message, and sends one packet of all.
bool can_cut_into_packets(SocketHandle handle) {
  return set_option(handle, IPPROTO_UDP, UDP_SEND_MSG_SIZE, DWORD{0});
}

void make_room_for(SocketHandle handle, int option, std::size_t bytes) {
  int present = 0, size = sizeof present;
  ::getsockopt(handle, SOL_SOCKET, option, reinterpret_cast<char*>(&present), &size);
  if (const auto wanted = static_cast<int>(bytes); wanted > present)
    set_option(handle, SOL_SOCKET, option, wanted);
}

}  // namespace

UdpHandle::~UdpHandle() {
  if (handle_ != no_socket) ::closesocket(handle_);
}

void prepare_listener(udp::socket& socket) {
  const SocketHandle handle = socket.native_handle();
  const bool v6 = socket.local_endpoint().protocol() == udp::v6();
  set_option(handle, v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, v6 ? IPV6_PKTINFO : IP_PKTINFO, DWORD{1});
  set_option(handle, SOL_SOCKET, SO_RCVBUF, listener_buffer);
  ignore_icmp(handle);
  leave_fragmenting_to_routers(handle, v6);
}

// A socket that prepare_listener() has not seen tells it anyway.
void prepare_shared(udp::socket&) {}

bool next_unreachable(SocketHandle, std::optional<udp::endpoint>&) { return false; }

std::optional<Datagram> receive_from_anyone(SocketHandle handle, std::span<std::byte> buffer) {
  static const auto receive = extension<LPFN_WSARECVMSG>(handle, WSAID_WSARECVMSG);
  static thread_local std::array<char, 65'536> rest;
  if (!receive) return {};
  udp::endpoint from;
  // Room for the largest: of a packet that is cut Windows does not say who sent it.
  std::array<WSABUF, 2> vector{{{static_cast<ULONG>(buffer.size()), reinterpret_cast<char*>(buffer.data())},
                                {rest.size(), rest.data()}}};
  alignas(WSACMSGHDR) std::array<char, 256> control;
  WSAMSG message{};
  DWORD count = 0;
  const auto take = [&] {
    message = {};
    message.name = from.data();
    message.namelen = static_cast<INT>(from.capacity());
    message.lpBuffers = vector.data();
    message.dwBufferCount = vector.size();
    message.Control = {static_cast<ULONG>(control.size()), control.data()};
    return receive(handle, &message, &count, nullptr, nullptr) == 0;
  };
  bool taken = take();
  if (!taken && ::WSAGetLastError() != WSAEWOULDBLOCK) taken = take();
  if (!taken) return {};
  from.resize(static_cast<std::size_t>(message.namelen));
  Datagram datagram{buffer.first(std::min<std::size_t>(count, buffer.size())), from, {}};
  note_local_address(message, datagram);
  return datagram;
}

ClientSockets open_for_client(const net::ip::address& local, std::uint16_t local_port,
                              const udp::endpoint& peer, std::size_t send_buffer, std::error_code& error) {
  const bool v6 = peer.protocol() == udp::v6();
  const auto any = v6 ? net::ip::address(net::ip::address_v6::any()) : net::ip::address_v4::any();
  ClientSockets sockets;
  sockets.client = UdpHandle(::WSASocketW(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                                          WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
  const auto handle = sockets.client.get();
  if (!sockets.client) {
    error = last_socket_error();
    return sockets;
  }
  u_long yes = 1;
  ::ioctlsocket(handle, static_cast<long>(FIONBIO), &yes);
  if (v6) set_option(handle, IPPROTO_IPV6, IPV6_V6ONLY, DWORD{1});
  // Or any program of this host may take the port over.
  set_option(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, DWORD{1});
  const udp::endpoint own(local.is_unspecified() ? any : local, local_port);
  if (::bind(handle, own.data(), static_cast<int>(own.size())) != 0 ||
      ::connect(handle, peer.data(), static_cast<int>(peer.size())) != 0) {
    error = last_socket_error();
    // So says Windows of a port that another program keeps for itself.
    if (error == std::errc::permission_denied && local_port != 0)
      error = std::make_error_code(std::errc::address_in_use);
    return sockets;
  }
  leave_fragmenting_to_routers(handle, v6);
  make_room_for(handle, SO_SNDBUF, send_buffer);
  make_room_for(handle, SO_RCVBUF, send_buffer);  // 64 KiB hold no window of an upload
  return sockets;
}

std::size_t receive_from_client(SocketHandle handle, std::span<std::byte> buffer, std::error_code& error) {
  const auto count =
      ::recv(handle, reinterpret_cast<char*>(buffer.data()), static_cast<int>(buffer.size()), 0);
  if (count >= 0) return static_cast<std::size_t>(count);
  error = last_udp_error();
  return 0;
}

bool PacketSender::send_message(std::span<const std::byte> bytes, std::uint16_t segment) const {
  static const auto send = extension<LPFN_WSASENDMSG>(handle_, WSAID_WSASENDMSG);
  if (!send) {
    ::WSASetLastError(WSAEOPNOTSUPP);
    return false;
  }
  WSABUF vector{static_cast<ULONG>(bytes.size()),
                const_cast<char*>(reinterpret_cast<const char*>(bytes.data()))};
  WSAMSG message{};
  message.lpBuffers = &vector;
  message.dwBufferCount = 1;
  Control control(message);
  if (to_) {
    message.name = const_cast<sockaddr*>(to_->data());
    message.namelen = static_cast<INT>(to_->size());
    if (!from_.is_unspecified()) speak_from(from_, control);
  }
  if (segment > 0) control.add(IPPROTO_UDP, UDP_SEND_MSG_SIZE, DWORD{segment});
  DWORD sent = 0;
  return send(handle_, &message, 0, &sent, nullptr, nullptr) == 0;
}

std::size_t PacketSender::send(std::span<const std::byte> packets, std::size_t packet_size,
                               std::error_code& error) {
  static const bool system_can = can_cut_into_packets(handle_);
  const auto count = packets.size() <= packet_size ? 1 : (packets.size() + packet_size - 1) / packet_size;
  if (system_can && segmentation_ && count > 1) {
    if (send_message(packets, static_cast<std::uint16_t>(packet_size))) return count;
    error = last_udp_error();
    if (error == std::errc::operation_would_block || error == std::errc::connection_refused) return 0;
    // The packets need fragments, or the device cannot: then one by one, for this transfer's rest.
    error.clear();
    segmentation_ = false;
  }
  for (std::size_t sent = 0; sent < count; ++sent) {
    const auto packet =
        packets.subspan(sent * packet_size, std::min(packet_size, packets.size() - sent * packet_size));
    const bool taken = to_ ? send_message(packet, 0)
                           : ::send(handle_, reinterpret_cast<const char*>(packet.data()),
                                    static_cast<int>(packet.size()), 0) >= 0;
    if (!taken) {
      error = last_udp_error();
      return sent;
    }
  }
  return count;
}

}  // namespace server
