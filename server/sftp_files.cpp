#include "server/sftp_files.hpp"

#include <array>

namespace server {
namespace {

template <class Read>
storage::Result<std::size_t> read_all(std::span<std::byte> into, std::uint64_t offset, Read read) {
  const std::array<std::span<std::byte>, 1> pieces{into};
  return read(storage::File::Pieces(pieces), offset);
}

}  // namespace

std::optional<sftp::Answer> SftpFiles::try_now(const sftp::Operation& operation) {
  if (const auto* close = std::get_if<sftp::CloseHandle>(&operation)) return run(*close).answer;
  const auto* read = std::get_if<sftp::ReadFile>(&operation);
  if (!read) return {};
  const auto* file = std::get_if<storage::File>(&slot(read->handle));
  if (!file) return {};
  const auto got = read_all(read->into, read->offset,
                            [&](auto pieces, auto offset) { return file->read_cached(pieces, offset); });
  if (!got) return {};
  // A part of what was asked, short of the file's end, makes clients ask more slowly: better to wait for the
  // whole.
  if (*got < read->into.size() && read->offset + *got < file->at_open().size) return {};
  return *got;
}

SftpFiles::Outcome SftpFiles::perform(const sftp::Operation& operation) {
  return std::visit([this](const auto& each) { return run(each); }, operation);
}

SftpFiles::Outcome SftpFiles::run(const sftp::Examine& operation) {
  const auto attributes = root_.attributes(operation.path, operation.links);
  if (!attributes) return {attributes.error(), operation.path};
  return {*attributes};
}

SftpFiles::Outcome SftpFiles::run(const sftp::ExamineOpen& operation) {
  const auto* file = std::get_if<storage::File>(&slot(operation.handle));
  if (!file) return {std::make_error_code(std::errc::bad_file_descriptor)};
  const auto attributes = file->attributes();
  if (!attributes) return {attributes.error()};
  return {*attributes};
}

SftpFiles::Outcome SftpFiles::run(const sftp::OpenFile& operation) {
  auto file = root_.open_file(operation.path);
  if (!file) return {file.error(), operation.path};
  slot(operation.handle) = std::move(*file);
  return {sftp::Done{}};
}

SftpFiles::Outcome SftpFiles::run(const sftp::OpenDirectory& operation) {
  auto directory = root_.open_directory(operation.path);
  if (!directory) return {directory.error()};
  slot(operation.handle) = std::move(*directory);
  return {sftp::Done{}};
}

SftpFiles::Outcome SftpFiles::run(const sftp::ReadFile& operation) {
  const auto* file = std::get_if<storage::File>(&slot(operation.handle));
  if (!file) return {std::make_error_code(std::errc::bad_file_descriptor)};
  const auto got = read_all(operation.into, operation.offset,
                            [&](auto pieces, auto offset) { return file->read(pieces, offset); });
  if (!got) return {got.error()};
  return {*got};
}

SftpFiles::Outcome SftpFiles::run(const sftp::ReadDirectory& operation) {
  auto* directory = std::get_if<storage::Directory>(&slot(operation.handle));
  if (!directory) return {std::make_error_code(std::errc::bad_file_descriptor)};
  auto entries = directory->read(operation.count);
  if (!entries) return {entries.error()};
  return {std::move(*entries)};
}

SftpFiles::Outcome SftpFiles::run(const sftp::CloseHandle& operation) {
  slot(operation.handle) = std::monostate{};
  return {sftp::Done{}};
}

SftpFiles::Slot& SftpFiles::slot(std::uint32_t handle) {
  if (handle >= open_.size()) open_.resize(handle + 1);
  return open_[handle];
}

}  // namespace server
