#include "server/tftp/write.hpp"

#include <fmt/format.h>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/warning.hpp"
#include "server/files/library.hpp"
#include "server/files/upload_rules.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "storage/depot/upload_error.hpp"

namespace server {
namespace {

using storage::Miss;

// Of one window: what the usual socket's receive buffer holds, bookkeeping included, while the disk writes.
constexpr std::size_t most_window_bytes = 64 * 1024;

using Begun = std::expected<std::shared_ptr<storage::Upload>, Miss>;

// For a worker.
Begun begin_upload(const storage::Sender& sender, const storage::Path& place,
                   std::optional<std::uint64_t> size) {
  const auto root = storage::uploads_root(sender.account.depot());
  if (!root) return std::unexpected(explain_unwritten(named(place), root.error()));
  auto upload = storage::Upload::begin(sender, *root, place, size);
  if (!upload) return std::unexpected(explain_unwritten(named(place), upload.error()));
  return std::make_shared<storage::Upload>(std::move(*upload));
}

}  // namespace

void TftpWrite::closed() {
  // To sweep away what was not published may wait for the disk.
  common_.lanes.disk.post([upload = std::move(upload_)]() mutable { upload.reset(); });
}

net::awaitable<void> TftpWrite::look_up() {
  const auto& settings = common_.settings->tftp;
  const auto place = tftp_upload_place(*common_.settings, name());
  if (!place) co_return refuse(place.error());
  negotiate(0, {settings.max_block_size, settings.max_window, most_window_bytes});
  const auto size = negotiated_.announced_size;
  const auto most = settings.max_upload;
  if (size && *size > most) {
    co_return refuse(
        upload_refusal(fmt::format("{} bytes are announced, and tftp.max_upload is {}", *size, most), "",
                       std::errc::file_too_large));
  }
  const storage::Sender sender{common_.library.uploads, "tftp:" + asked_.client};
  const auto begin_it = [&sender, &place = place->path, size] { return begin_upload(sender, place, size); };
  auto begun = co_await common_.lanes.changing.run(client_network(asked_.address), begin_it);
  if (begun) upload_ = std::move(*begun);
  if (stopped()) co_return;
  if (!begun) co_return refuse(begun.error());
  auto machine = std::make_unique<tftp::WriteTransfer>(negotiated_, asked_.request.mode, most,
                                                       std::chrono::steady_clock::now());
  machine_ = machine.get();
  begin(std::move(machine), named(place->path), place->rule, size);
}

bool TftpWrite::perform(const tftp::Action& action, tftp::Time) {
  if (const auto* bytes = std::get_if<tftp::Store>(&action)) {
    store(*bytes);
  } else {
    publish();
  }
  return false;
}

void TftpWrite::store(const tftp::Store& store) {
  // What is stored is the machine's until stored() is called, and `self` holds the machine.
  common_.lanes.storing.run(
      client_network(asked_.address),
      [upload = upload_, store] { return upload->write(store.bytes, store.offset); },
      [self = shared_from_this(), this](std::optional<storage::Result<void>> done) {
        guarded([&] {
          machine_->stored(std::chrono::steady_clock::now());
          if (!done || !*done) failed(done ? done->error() : std::error_code{});
          resume();
        });
      });
}

void TftpWrite::publish() {
  if (machine_->is_binary()) found_binary();
  common_.lanes.storing.run(
      client_network(asked_.address), [upload = upload_] { return upload->publish(); },
      [self = shared_from_this(), this](std::optional<storage::Result<void>> done) {
        guarded([&] {
          if (done && *done) {
            machine_->published(std::chrono::steady_clock::now());
          } else {
            failed(done ? done->error() : std::error_code{});
          }
          resume();
        });
      });
}

void TftpWrite::failed(std::error_code error) {
  if (error != std::errc::file_exists) {
    common_.events.warn_rarely(Warning::unwritable,
                               fmt::format("an upload cannot be written: {}", error.message()));
  }
  const auto code = tftp::code_of(error);
  failure_ = text_of(code);
  if (storage::is_upload_error(error)) failure_ += ": " + error.message();
  machine_->failed(code, failure_);
}

}  // namespace server
