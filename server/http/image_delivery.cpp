#include "server/http/image_delivery.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"
#include "server/os/socket_output.hpp"
#include "storage/files/file_changed.hpp"

namespace server::http {
namespace {

using namespace std::chrono_literals;
using protocols::Cause;

// What the page cache is asked for at once, what the system is told to send in one call, and how often before
// others have their turn. A call for a megabyte took up to 6 ms of CPU on a busy machine.
constexpr std::uint64_t most_asked = 1 << 20, slice = 256 << 10;
constexpr int most_slices = 16;
constexpr auto longest_turn = 1ms;
// What goes through this process at a time: with TLS, from a slow disk, and the end of each file, which is
// sent once it is sure that the file did not change meanwhile.
constexpr std::uint64_t portion = 64 << 10;
constexpr auto known_for = 1s;        // that memory holds some bytes
constexpr auto longest_pause = 64ms;  // between two looks at what is confirmed

std::error_code read_whole(const storage::File& file, std::span<std::byte> into, std::uint64_t offset,
                           bool& changed) {
  const std::array<std::span<std::byte>, 1> piece{into};
  const auto got = file.read(piece, offset);
  if (!got) return got.error();
  changed = *got < into.size();
  return {};
}

}  // namespace

ImageDelivery::ImageDelivery(ImageCommon& common, std::shared_ptr<PatientStream> stream,
                             std::shared_ptr<const storage::File> file, const protocols::http::Span& body,
                             const net::ip::address& client)
    : common_(common),
      stream_(std::move(stream)),
      file_(std::move(file)),
      body_(body),
      source_(client_network(client)),
      at_(body.first) {}

net::awaitable<ImageDelivery::Ending> ImageDelivery::run(const std::string& head, bool then_ends) {
  if (!co_await stream_->write_all(head)) co_return stream_->lost();
  if (auto fault = co_await send_body()) co_return std::move(*fault);
  if (then_ends) stream_->end_sending();
  co_return co_await confirmed();
}

net::awaitable<std::optional<ImageDelivery::Ending>> ImageDelivery::send_body() {
  int slices = 0;
  auto turn_began = Clock::now();
  while (at_ < body_.end()) {
    if (stream_->is_over()) co_return stream_->lost();
    if (slices++ == most_slices || Clock::now() - turn_began >= longest_turn) {
      slices = 1;
      co_await net::post(common_.loop, net::use_awaitable);
      turn_began = Clock::now();
    }
    const auto left = body_.end() - at_;
    std::optional<Ending> fault;
    if (buffered_ < buffer_.size()) {
      fault = co_await send_buffered();
    } else if (left <= portion) {
      fault = co_await fill(left, true);
    } else if (stream_->bytes().is_tls()) {
      fault = co_await fill(std::min(portion, left - portion), false);
    } else {
      fault = co_await send_slice(std::min(most_asked, left - portion));
    }
    if (fault) co_return fault;
  }
  co_return std::nullopt;
}

net::awaitable<std::optional<ImageDelivery::Ending>> ImageDelivery::send_buffered() {
  const auto [state, bytes] = stream_->bytes().write(std::span(buffer_).subspan(buffered_));
  buffered_ += bytes;
  at_ += bytes;
  if (bytes > 0) moved();
  if (buffered_ == buffer_.size()) buffer_.clear(), buffered_ = 0;
  if (!co_await stream_->wait_after(state)) co_return stream_->lost();
  co_return std::nullopt;
}

// By the system, where that waits for no disk.
net::awaitable<std::optional<ImageDelivery::Ending>> ImageDelivery::send_slice(std::uint64_t most) {
  if (!is_in_memory(most)) {
    if (!co_await stream_->wait(tcp::socket::wait_write)) co_return stream_->lost();
    // What does not stay in memory, or where nobody says what does, goes through this process.
    if (std::exchange(prefetched_, true)) co_return co_await fill(std::min(portion, most), false);
    co_return co_await prefetch(most);
  }
  prefetched_ = false;
  std::error_code error;
  const auto sent =
      send_file(stream_->bytes().handle(), *file_, at_, std::min(slice, known_until_ - at_), error);
  at_ += sent;
  if (sent > 0) {
    moved();
    co_return std::nullopt;
  }
  if (!error) co_return Ending{Cause::file_changed};
  if (error == std::errc::io_error) co_return Ending{Cause::unreadable, 0, error.message()};
  const bool full = error == std::errc::operation_would_block;
  if (!full || !co_await stream_->wait(tcp::socket::wait_write)) co_return stream_->lost();
  co_return std::nullopt;
}

bool ImageDelivery::is_in_memory(std::uint64_t size) {
  const auto now = Clock::now();
  if (at_ < known_until_ && now - known_at_ < known_for) return true;
  if (!file_->is_cached(at_, size)) return false;
  known_until_ = at_ + size;
  known_at_ = now;
  return true;
}

net::awaitable<std::optional<ImageDelivery::Ending>> ImageDelivery::prefetch(std::uint64_t size) {
  const auto read = [file = file_, at = at_, size] {
    Filled filled;
    std::vector<std::byte> scratch(portion);
    for (std::uint64_t done = 0; done < size && !filled.error && !filled.changed; done += scratch.size()) {
      scratch.resize(std::min<std::uint64_t>(scratch.size(), size - done));
      filled.error = read_whole(*file, scratch, at + done, filled.changed);
    }
    return filled;
  };
  const auto filled = co_await common_.lanes.reading.run(source_, read);
  if (filled.error) co_return Ending{Cause::unreadable, 0, filled.error.message()};
  if (filled.changed) co_return Ending{Cause::file_changed};
  co_return std::nullopt;
}

// `last`: after these bytes nothing is sent, so that the file is looked at again. What was read before that
// look is what the file was when it was opened.
net::awaitable<std::optional<ImageDelivery::Ending>> ImageDelivery::fill(std::uint64_t size, bool last) {
  if (!last) {
    buffer_.resize(size);
    const std::array<std::span<std::byte>, 1> piece{buffer_};
    const auto got = file_->read_cached(piece, at_);
    if (got && *got == size) co_return std::nullopt;
    buffer_.clear();
  }
  const auto read = [file = file_, at = at_, size, last] {
    Filled filled;
    filled.bytes.resize(size);
    filled.error = read_whole(*file, filled.bytes, at, filled.changed);
    if (!last || filled.error || filled.changed) return filled;
    const auto same = storage::expect_unchanged(*file);
    filled.changed = !same && storage::is_file_changed(same.error());
    if (!same && !filled.changed) filled.error = same.error();
    return filled;
  };
  // The end of a file in memory must not wait for reads of a slow disk.
  auto& workers = last && file_->is_cached(at_, size) ? common_.lanes.finding : common_.lanes.reading;
  auto filled = co_await workers.run(source_, read);
  if (filled.error) co_return Ending{Cause::unreadable, 0, filled.error.message()};
  if (filled.changed) co_return Ending{Cause::file_changed};
  buffer_ = std::move(filled.bytes);
  buffered_ = 0;
  co_return std::nullopt;
}

// The system takes megabytes before the client has any: a file arrived once the client has confirmed it.
net::awaitable<ImageDelivery::Ending> ImageDelivery::confirmed() {
  const auto handle = stream_->bytes().handle();
  auto pause = std::chrono::milliseconds(1);
  auto before = std::size_t{0};
  for (;;) {
    if (stream_->is_over()) co_return stream_->lost();
    // First, for a client that has confirmed all may end the connection in between. What it did not confirm
    // stays counted after a reset.
    const bool gone = is_disconnected(handle);
    const auto open = unconfirmed_bytes(handle).value_or(0);
    if (open == 0) co_return Ending{};
    if (gone) co_return stream_->lost();
    if (open != before) moved();
    before = open;
    co_await stream_->pause(pause);
    pause = std::min<std::chrono::milliseconds>(pause * 2, longest_pause);
  }
}

std::uint64_t ImageDelivery::bytes_taken() const {
  const auto sent = at_ - body_.first;
  const auto open = unconfirmed_bytes(stream_->bytes().handle()).value_or(0);
  return sent - std::min<std::uint64_t>(sent, open);
}

void ImageDelivery::moved() {
  moved_at_ = Clock::now();
  stream_->expect_within(PatientStream::idle_time);
}

}  // namespace server::http
