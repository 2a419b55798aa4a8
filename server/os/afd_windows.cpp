#include "server/os/afd.hpp"

#include <algorithm>
#include <limits>
#include <system_error>

#include "server/os/winsock.hpp"
// After winsock.hpp: it needs windows.h.
#include <winternl.h>

namespace server {
namespace {

constexpr ULONG poll_request = 0x12024;  // IOCTL_AFD_POLL
constexpr NTSTATUS pending = 0x103;      // STATUS_PENDING
// The driver goes through all questions of a device: wepoll and mio have as many for each.
constexpr std::size_t most_of_a_device = 32;

HANDLE open_device() {
  static wchar_t name[] = L"\\Device\\Afd\\apdepot";
  UNICODE_STRING text{sizeof name - sizeof(wchar_t), sizeof name, name};
  OBJECT_ATTRIBUTES what{};
  what.Length = sizeof what;
  what.ObjectName = &text;
  IO_STATUS_BLOCK block{};
  HANDLE handle = nullptr;
  const auto status =
      ::NtCreateFile(&handle, SYNCHRONIZE, &what, &block, nullptr, 0,
                     FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN, 0, nullptr, 0);
  if (status < 0)
    throw std::system_error(static_cast<int>(::RtlNtStatusToDosError(status)), std::system_category(),
                            "cannot open \\Device\\Afd");
  return handle;
}

// Below the filters that old virus scanners and VPN clients put on Winsock.
SocketHandle base_of(SocketHandle socket) {
  SocketHandle base = no_socket;
  DWORD size = 0;
  const int failed =
      ::WSAIoctl(socket, SIO_BASE_HANDLE, nullptr, 0, &base, sizeof base, &size, nullptr, nullptr);
  return failed == 0 && base != no_socket ? base : socket;
}

}  // namespace

net::execution_context::id Afd::id;

Afd::Device& Afd::device() {
  const auto free =
      std::ranges::find_if(devices_, [](const auto& device) { return device->questions < most_of_a_device; });
  if (free != devices_.end()) return **free;
  auto device = std::make_unique<Device>(loop_);
  const auto handle = open_device();
  error_code error;
  device->handle.assign(handle, error);
  if (error) {
    ::CloseHandle(handle);
    throw std::system_error(error);
  }
  return *devices_.emplace_back(std::move(device));
}

// What is asked ends with it.
void Afd::shutdown() {
  for (const auto& device : devices_) {
    error_code ignored;
    device->handle.close(ignored);
  }
}

AfdQuestion::AfdQuestion(net::io_context& loop, SocketHandle socket)
    : loop_(loop), device_(net::use_service<Afd>(loop).device()), socket_(base_of(socket)) {
  ++device_.questions;
}

AfdQuestion::~AfdQuestion() { --device_.questions; }

void AfdQuestion::begin(net::windows::overlapped_ptr& operation, unsigned long events) {
  poll_.timeout.QuadPart = std::numeric_limits<LONGLONG>::max();
  poll_.count = 1;
  poll_.exclusive = FALSE;
  poll_.handles[0] = {reinterpret_cast<HANDLE>(socket_), events, 0};
  auto* const overlapped = operation.get();
  auto* const block = reinterpret_cast<IO_STATUS_BLOCK*>(overlapped);  // with which it begins
  block->Status = pending;
  const auto status =
      ::NtDeviceIoControlFile(device_.handle.native_handle(), nullptr, nullptr, overlapped, block,
                              poll_request, &poll_, sizeof poll_, &poll_, sizeof poll_);
  if (status >= 0) {
    asked_ = overlapped;
    operation.release();
  } else {
    const error_code error(static_cast<int>(::RtlNtStatusToDosError(status)),
                           boost::system::system_category());
    operation.complete(error, 0);
  }
}

void AfdQuestion::cancel() noexcept {
  if (asked_) ::CancelIoEx(device_.handle.native_handle(), asked_);
}

}  // namespace server
