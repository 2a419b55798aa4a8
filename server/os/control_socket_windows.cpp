#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>
#include <cstdio>
#include <vector>

#include "server/os/control_socket.hpp"
#include "server/os/wide.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/file_text.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
// After wide.hpp: iphlpapi.h needs winsock2.h.
#include <iphlpapi.h>

namespace server {
namespace {

constexpr auto name = "control.json";
constexpr std::size_t key_bytes = 32, most_text = 256;
constexpr unsigned for_owner = 0600;

const ControlSocket::Protocol over_tcp{AF_INET, IPPROTO_TCP};

std::system_error failure(std::error_code error, const std::filesystem::path& file) {
  return {error, storage::utf8_of(file)};
}

// What stands in the file.
struct Note {
  std::uint16_t port = 0;
  std::uint32_t process = 0;
  std::string key;
  std::uint64_t mark() const { return std::uint64_t{process} << 16U | port; }
};

std::string text_of(const Note& note) {
  return fmt::format("{{\"port\":{},\"process\":{},\"key\":\"{}\"}}\n", note.port, note.process, note.key);
}

Note note_in(const std::filesystem::path& file) {
  const auto text = storage::text_of(storage::open_plain_file(file), most_text);
  Note note;
  unsigned port = 0, process = 0;
  std::array<char, 2 * key_bytes + 1> key{};
  if (std::sscanf(text.c_str(), "{\"port\":%u,\"process\":%u,\"key\":\"%64[0-9a-f]\"}", &port, &process,
                  key.data()) != 3 ||
      port == 0 || port > UINT16_MAX)
    throw failure(windows_error(ERROR_INVALID_DATA), file);
  return {static_cast<std::uint16_t>(port), process, key.data()};
}

std::string new_key() {
  std::array<unsigned char, key_bytes> bytes{};
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::system_error(windows_error(ERROR_GEN_FAILURE), "no random bytes for the key");
  std::string key;
  for (const auto each : bytes) key += fmt::format("{:02x}", each);
  return key;
}

// To connect where nobody listens takes Windows two seconds: first whether that process lives.
bool lives(std::uint32_t process) {
  const KernelHandle handle(::OpenProcess(SYNCHRONIZE, FALSE, process));
  if (!handle) return ::GetLastError() == ERROR_ACCESS_DENIED;
  return ::WaitForSingleObject(handle.get(), 0) == WAIT_TIMEOUT;
}

tcp::endpoint place_of(const Note& note) { return {net::ip::address_v4::loopback(), note.port}; }

bool is_listened_to(net::io_context& loop, const std::filesystem::path& file) try {
  const auto note = note_in(file);
  if (!lives(note.process)) return false;
  ControlSocket::Protocol::socket socket(loop);
  error_code error;
  socket.connect(place_of(note), error);
  return !error;
} catch (const std::system_error&) {
  return false;  // there is no such file, or another kind of it
}

std::uint16_t port_of(const ControlSocket::Protocol::endpoint& endpoint) {
  const auto* const address = reinterpret_cast<const sockaddr_in*>(endpoint.data());
  return ntohs(address->sin_port);
}

}  // namespace

SocketFile::~SocketFile() {
  if (mark_ == 0) return;
  try {
    if (note_in(path_).mark() != mark_) return;
  } catch (const std::exception&) {
    return;
  }
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

// The file comes last: a command never reads of a port where nobody listens yet.
ControlSocket::ControlSocket(net::io_context& loop, const std::filesystem::path& folder) : acceptor(loop) {
  const auto path = folder / name;
  if (is_listened_to(loop, path)) throw failure(std::make_error_code(std::errc::address_in_use), path);
  using Alone = net::detail::socket_option::boolean<SOL_SOCKET, SO_EXCLUSIVEADDRUSE>;
  error_code error;
  acceptor.open(over_tcp, error);
  if (!error) acceptor.set_option(Alone(true), error);
  if (!error) acceptor.bind(tcp::endpoint(net::ip::address_v4::loopback(), 0), error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  const auto own = error ? Protocol::endpoint() : acceptor.local_endpoint(error);
  if (error) throw failure(windows_error(static_cast<DWORD>(error.value())), path);
  const Note note{port_of(own), static_cast<std::uint32_t>(::GetCurrentProcessId()), new_key()};
  storage::write_durably(path, text_of(note), for_owner);
  file = SocketFile(path, note.mark());
  key = note.key;
}

ControlSocket::Protocol::socket ControlSocket::connect(net::io_context& loop,
                                                       const std::filesystem::path& folder) {
  const auto path = folder / name;
  const auto note = note_in(path);
  if (!lives(note.process)) throw failure(windows_error(WSAECONNREFUSED), path);
  Protocol::socket socket(loop);
  error_code error;
  socket.connect(place_of(note), error);
  if (error) throw failure(windows_error(static_cast<DWORD>(error.value())), path);
  return socket;
}

std::string ControlSocket::key_in(const std::filesystem::path& folder) { return note_in(folder / name).key; }

bool is_of_administrator(ControlSocket::Protocol::socket&) { return false; }

std::optional<std::uint32_t> process_at(ControlSocket::Protocol::socket& socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return {};
  const auto port = port_of(peer);
  DWORD size = 0;
  std::vector<std::byte> memory;
  // Between the two calls the table may grow.
  for (;;) {
    const auto result =
        ::GetExtendedTcpTable(memory.data(), &size, FALSE, AF_INET, TCP_TABLE_OWNER_PID_LISTENER, 0);
    if (result == NO_ERROR) break;
    if (result != ERROR_INSUFFICIENT_BUFFER) return {};
    memory.resize(size);
  }
  const auto* const table = reinterpret_cast<const MIB_TCPTABLE_OWNER_PID*>(memory.data());
  for (DWORD i = 0; i < table->dwNumEntries; ++i)
    if (const auto& row = table->table[i];
        ntohs(static_cast<u_short>(row.dwLocalPort)) == port && row.dwLocalAddr == htonl(INADDR_LOOPBACK))
      return row.dwOwningPid;
  return {};
}

}  // namespace server
