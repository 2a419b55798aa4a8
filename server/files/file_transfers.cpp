#include "server/files/file_transfers.hpp"

#include <algorithm>
#include <utility>

#include "server/events/protocol.hpp"
#include "server/events/transfer.hpp"
#include "storage/files/file_changed.hpp"

namespace server {
namespace {

using protocols::Cause;
using protocols::Ending;

Ending failure(std::error_code error, bool write) {
  if (storage::is_file_changed(error)) return {Cause::file_changed};
  if (!write) return {Cause::unreadable, 0, error.message()};
  return {error == std::errc::file_too_large ? Cause::too_large : Cause::unwritable, 0, error.message()};
}

// A client that read the first half twice has not the file.
bool whole(std::uint64_t size, std::uint64_t bytes, std::uint64_t furthest) {
  return bytes >= size && furthest >= size;
}

}  // namespace

std::optional<event::TransferEnded> FileTransfers::done(const files::Operation& operation,
                                                        const files::Answer& answer, const Opened& opened,
                                                        Time now) {
  const auto* error = std::get_if<std::error_code>(&answer);
  if (const auto* read = std::get_if<files::ReadOpen>(&operation)) {
    auto* const transfer = find(read->handle);
    if (!transfer) return {};
    if (const auto* count = std::get_if<std::size_t>(&answer)) {
      transfer->bytes += *count;
      transfer->last = now;
      if (*count > 0) transfer->furthest = std::max(transfer->furthest, read->offset + *count);
    }
    if (error && !transfer->failed) transfer->failed = *error;
  } else if (const auto* write = std::get_if<files::WriteOpen>(&operation)) {
    auto* const transfer = find(write->handle);
    if (!transfer) return {};
    if (!error) transfer->bytes += write->bytes.size();
    transfer->last = now;
    if (error && !transfer->failed) transfer->failed = *error;
  } else if (const auto* open = std::get_if<files::OpenToRead>(&operation)) {
    const auto path = open->path.text();
    if (!error) {
      begin(open->handle, open->spelled.empty() ? path : open->spelled, opened.served.value_or(path), false,
            opened.size, now);
    }
  } else if (const auto* create = std::get_if<files::CreateNew>(&operation)) {
    const auto path = create->path.text();
    if (!error) begin(create->handle, path, path, true, create->size, now);
  } else if (const auto* close = std::get_if<files::CloseOpen>(&operation)) {
    auto* const transfer = find(close->handle);
    if (!transfer) return {};
    if (error && !transfer->failed) transfer->failed = *error;
    return end(close->handle, closed(*transfer), now);
  } else if (const auto* abandon = std::get_if<files::AbandonFile>(&operation)) {
    auto* const transfer = find(abandon->handle);
    if (!transfer) return {};
    return end(abandon->handle,
               transfer->failed ? failure(transfer->failed, transfer->write) : Ending{Cause::withdrawn}, now);
  }
  return {};
}

// What was read twice is not more of the file.
Moved FileTransfers::Transfer::moved() const { return {write ? bytes : std::min(bytes, furthest), 0, last}; }

// A client may ask for what it has already once more, and close then: that is no failure.
Ending FileTransfers::closed(const Transfer& transfer) const {
  if (transfer.failed) return failure(transfer.failed, transfer.write);
  if (transfer.write || !transfer.size || whole(*transfer.size, transfer.bytes, transfer.furthest))
    return {Cause::complete};
  return {session_.protocol == event::Protocol::scp ? Cause::client_error : Cause::partly_read};
}

std::optional<event::TransferEnded> FileTransfers::end_next(Cause cause, std::string_view text, Time now) {
  const auto next = open_.begin();
  if (next == open_.end()) return {};
  const auto& transfer = next->second;
  const bool read_whole =
      !transfer.write && transfer.size && whole(*transfer.size, transfer.bytes, transfer.furthest);
  Ending how{cause, 0, std::string(text)};
  if (transfer.failed) {
    how = failure(transfer.failed, transfer.write);
  } else if (read_whole) {
    how = {Cause::complete};
  }
  auto told = ended(transfer, std::move(how), now);
  open_.erase(next);
  return told;
}

void FileTransfers::begin(std::uint32_t handle, std::string asked, std::string name, bool write,
                          std::optional<std::uint64_t> size, Time now) {
  open_.erase(handle);
  auto& added =
      open_.try_emplace(handle, *this, std::move(asked), from_top(name), write, size, now).first->second;
  added.entry = running_.add({session_.number, session_.protocol, session_.client, session_.user, added.asked,
                              added.name, write, size},
                             added);
  added.entry.begin();
}

FileTransfers::Transfer* FileTransfers::find(std::uint32_t handle) {
  const auto place = open_.find(handle);
  return place == open_.end() ? nullptr : &place->second;
}

std::string FileTransfers::from_top(std::string_view path) const {
  return session_.root == "/" ? std::string(path) : session_.root + std::string(path);
}

std::optional<event::TransferEnded> FileTransfers::end(std::uint32_t handle, Ending how, Time now) {
  const auto transfer = open_.extract(handle);
  return ended(transfer.mapped(), std::move(how), now);
}

event::TransferEnded FileTransfers::ended(const Transfer& transfer, Ending how, Time now) const {
  const std::chrono::duration<double> took = now - transfer.began;
  return {session_.number, session_.protocol, session_.client, session_.user, transfer.asked, transfer.name,
          transfer.write,  transfer.size,     transfer.bytes,  took.count(),  std::move(how)};
}

}  // namespace server
