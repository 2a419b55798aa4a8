#include "server/files/user_files.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <ranges>

#include "server/files/upload_rules.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/files/file_changed.hpp"
#include "storage/files/uploads_folder.hpp"

namespace server {
namespace {

template <class Read>
storage::Result<std::size_t> read_all(std::span<std::byte> into, std::uint64_t offset, Read read) {
  const std::array<std::span<std::byte>, 1> pieces{into};
  return read(storage::File::Pieces(pieces), offset);
}

UserFiles::Outcome not_open() { return {std::make_error_code(std::errc::bad_file_descriptor)}; }

template <class T>
UserFiles::Outcome answer(storage::Result<T> result) {
  if (!result) return {result.error()};
  if constexpr (std::is_void_v<T>) {
    return {files::Done{}};
  } else {
    return {std::move(*result)};
  }
}

// The file that is asked for to be read; nothing for another operation.
const storage::Path* path_read(const files::Operation& operation) {
  if (const auto* open = std::get_if<files::OpenToRead>(&operation)) return &open->path;
  const auto* examine = std::get_if<files::Examine>(&operation);
  return examine ? &examine->path : nullptr;
}

std::string name_read(const files::Operation& operation) {
  const auto* open = std::get_if<files::OpenToRead>(&operation);
  const auto& spelled = open ? open->spelled : std::get<files::Examine>(operation).spelled;
  return spelled.empty() ? path_read(operation)->text() : spelled;
}

// Whether the link's target says that it lies above "/".
bool climbs_out(const storage::Path& link, std::string_view target) {
  auto depth = target.starts_with('/') ? 0 : std::ptrdiff_t(link.components().size()) - 1;
  for (const auto part : std::views::split(target, '/')) {
    const std::string_view name(part.begin(), part.end());
    if (name.empty() || name == ".") continue;
    depth += name == ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

bool reaches_end(const storage::File& file, std::uint64_t offset, std::size_t size) {
  const auto whole = file.at_open().size;
  return offset >= whole || size >= whole - offset;
}
bool reaches_end(const storage::File& file, const files::ReadOpen& read) {
  return reaches_end(file, read.offset, read.into.size());
}

template <class... Kinds>
bool is_one_of(const files::Operation& operation) {
  return (std::holds_alternative<Kinds>(operation) || ...);
}

UserFiles::Outcome no_exact_name(const storage::Path& path) {
  return {std::make_error_code(std::errc::no_such_file_or_directory), path};
}

}  // namespace

UserFiles::~UserFiles() {
  // To sweep away what was not published may wait for the disk, and so may closing a file.
  if (open_.empty()) return;
  try {
    closing_.run(
        [open = std::move(open_)]() mutable {
          open.clear();
          return true;
        },
        [hold = std::move(hold_)](auto) {});
  } catch (const std::bad_alloc&) {  // then they are closed here
  }
}

std::optional<files::Answer> UserFiles::try_now(const files::Operation& operation) {
  const auto* read = std::get_if<files::ReadOpen>(&operation);
  if (!read) return {};
  const auto* file = std::get_if<storage::File>(&slot(read->handle));
  if (!file || reaches_end(*file, *read)) return {};  // there it is compared with what it was
  const auto got = read_all(read->into, read->offset,
                            [&](auto pieces, auto offset) { return file->read_cached(pieces, offset); });
  if (!got) return {};
  // A part of what was asked, short of the file's end, makes clients ask more slowly: better to wait for the
  // whole.
  if (*got < read->into.size() && read->offset + *got < file->at_open().size) return {};
  return *got;
}

bool UserFiles::moves_bytes(const files::Operation& operation) {
  if (const auto* read = std::get_if<files::ReadOpen>(&operation)) return !holds_end(*read);
  if (const auto* close = std::get_if<files::CloseOpen>(&operation)) return upload(close->handle) != nullptr;
  return is_one_of<files::WriteOpen, files::CopyData, files::SyncFile>(operation);
}

bool UserFiles::changes(const files::Operation& operation) {
  if (const auto* close = std::get_if<files::CloseOpen>(&operation)) return upload(close->handle) != nullptr;
  return is_one_of<files::CreateNew, files::WriteOpen, files::TruncateFile, files::CopyData, files::SyncFile,
                   files::AbandonFile, files::MakeDirectory, files::RemoveEmpty, files::RemoveFile,
                   files::Rename, files::SetTimes>(operation);
}

// Whether a read to the file's end, which compares the file with what it was, has its bytes in memory.
bool UserFiles::holds_end(const files::ReadOpen& read) {
  const auto* file = std::get_if<storage::File>(&slot(read.handle));
  if (!file || !reaches_end(*file, read)) return false;
  const auto got = read_all(read.into, read.offset,
                            [&](auto pieces, auto offset) { return file->read_cached(pieces, offset); });
  return got && read.offset + *got >= file->at_open().size;
}

UserFiles::Outcome UserFiles::perform(const files::Operation& operation) {
  return std::visit([this](const auto& each) { return run(each); }, operation);
}

UserFiles::Outcome UserFiles::run(const files::Examine& operation) {
  if (!operation.spelled.empty()) return no_exact_name(operation.path);
  const auto attributes = images_.root.attributes(operation.path, operation.links);
  if (attributes) return {*attributes};
  // Clients look at the name that they are writing to.
  if (const auto* under_way = upload(operation.path)) return answer(under_way->attributes());
  return {attributes.error(), operation.path};
}

UserFiles::Outcome UserFiles::run(const files::ExamineOpen& operation) {
  if (const auto* file = std::get_if<storage::File>(&slot(operation.handle)))
    return answer(file->attributes());
  const auto* file = upload(operation.handle);
  return file ? answer(file->attributes()) : not_open();
}

UserFiles::Outcome UserFiles::run(const files::OpenToRead& operation) {
  if (!operation.spelled.empty()) return no_exact_name(operation.path);
  auto file = images_.root.open_file(operation.path);
  if (!file) return {file.error(), operation.path};
  Outcome outcome{files::Done{}};
  outcome.size = file->at_open().size;
  slot(operation.handle) = std::move(*file);
  return outcome;
}

UserFiles::Outcome UserFiles::run(const files::OpenDirectory& operation) {
  auto directory = images_.root.open_directory(operation.path);
  if (!directory) return {directory.error()};
  slot(operation.handle) = std::move(*directory);
  return {files::Done{}};
}

UserFiles::Outcome UserFiles::run(const files::ReadOpen& operation) {
  return answer(read(operation.handle, operation.into, operation.offset));
}

UserFiles::Outcome UserFiles::run(const files::ReadDirectory& operation) {
  auto* directory = std::get_if<storage::Directory>(&slot(operation.handle));
  if (!directory) return not_open();
  return answer(directory->read(operation.count));
}

UserFiles::Outcome UserFiles::run(const files::FindNames& operation) {
  auto* directory = std::get_if<storage::Directory>(&slot(operation.handle));
  if (!directory) return not_open();
  const auto entries = directory->read(operation.count);
  if (!entries) return {entries.error()};
  for (const auto& entry : *entries) {
    if (storage::Path::is_component(entry.name)) operation.names->take(entry.name);
  }
  if (entries->empty()) operation.names->end();
  return {entries->size()};
}

// Only of a link that leads somewhere below the user's root: another tells of what he has no business with.
UserFiles::Outcome UserFiles::run(const files::ReadLink& operation) {
  auto target = images_.root.link_target(operation.path);
  if (!target) return {target.error(), operation.path};
  if (climbs_out(operation.path, *target) || !images_.root.attributes(operation.path))
    return {std::make_error_code(std::errc::permission_denied)};
  return {files::LinkTarget{std::move(*target)}};
}

UserFiles::Outcome UserFiles::run(const files::CloseOpen& operation) {
  auto closing = std::exchange(slot(operation.handle), std::monostate{});
  auto* file = std::get_if<storage::Upload>(&closing);
  if (!file) return {files::Done{}};
  const auto published = file->publish();
  return published ? Outcome{files::Done{}} : refuse(named(file->path()), published.error());
}

UserFiles::Outcome UserFiles::run(const files::AbandonFile& operation) {
  slot(operation.handle) = std::monostate{};
  return {files::Done{}};
}

UserFiles::Outcome UserFiles::run(const files::CreateNew& operation) {
  auto begun = begin(operation);
  if (!begun) return refuse(operation.path, begun.error());
  slot(operation.handle) = std::move(*begun);
  return {files::Done{}};
}

UserFiles::Outcome UserFiles::run(const files::WriteOpen& operation) {
  return store(operation.handle, operation.bytes, operation.offset);
}

UserFiles::Outcome UserFiles::run(const files::TruncateFile& operation) {
  auto* file = upload(operation.handle);
  if (!file) return not_open();
  if (!fits(operation.size, 0))
    return refuse(named(file->path()), make_error_code(storage::UploadError::too_large));
  return change(named(file->path()), file->resize(operation.size));
}

UserFiles::Outcome UserFiles::run(const files::CopyData& operation) {
  std::vector<std::byte> bytes(operation.size);
  const auto got = read(operation.from, bytes, operation.offset);
  if (!got) return {got.error()};
  bytes.resize(*got);
  auto stored = store(operation.to, bytes, operation.to_offset);
  if (std::holds_alternative<files::Done>(stored.answer)) stored.answer = *got;
  return stored;
}

UserFiles::Outcome UserFiles::run(const files::SyncFile& operation) {
  auto* file = upload(operation.handle);
  return file ? answer(file->sync()) : Outcome{files::Done{}};  // what is only read is on the disk
}

UserFiles::Outcome UserFiles::run(const files::MakeDirectory& operation) {
  const auto place = own(operation.path);
  if (!place) return refuse(operation.path, place.error());
  return change(operation.path, place->folder.make_directory(place->path));
}

UserFiles::Outcome UserFiles::run(const files::RemoveEmpty& operation) {
  const auto place = own(operation.path);
  if (!place) return refuse_change(operation.path, place.error());
  return change(operation.path, place->folder.remove_directory(place->path));
}

UserFiles::Outcome UserFiles::run(const files::RemoveFile& operation) {
  const auto place = own(operation.path);
  if (!place) return refuse_change(operation.path, place.error());
  return change(operation.path, place->folder.remove_file(place->path));
}

UserFiles::Outcome UserFiles::run(const files::Rename& operation) {
  const auto from = own(operation.from), to = own(operation.to);
  if (!from) return refuse_change(operation.from, from.error());
  if (!to) return refuse(operation.to, to.error());
  return change(operation.from, from->folder.rename(from->path, to->path));
}

UserFiles::Outcome UserFiles::run(const files::ExamineOwn& operation) {
  const auto place = own(operation.path);
  if (!place) return refuse_change(operation.path, place.error());
  if (upload(operation.path)) return {files::Done{}};
  return change(operation.path, place->folder.expect_own(place->path));
}

UserFiles::Outcome UserFiles::run(const files::SetTimes& operation) {
  const auto place = own(operation.path);
  if (!place) return refuse_change(operation.path, place.error());
  auto* under_way = upload(operation.path);
  if (!under_way) return change(operation.path, place->folder.set_times(place->path, operation.times));
  under_way->set_times(operation.times);
  return {files::Done{}};
}

UserFiles::Outcome UserFiles::run(const files::SetTimesOpen& operation) {
  auto* file = upload(operation.handle);
  if (!file) return not_open();
  file->set_times(operation.times);
  return {files::Done{}};
}

UserFiles::Outcome UserFiles::run(const files::ExamineSpace& operation) {
  auto space = images_.root.space(operation.path);
  if (space && !uploads_) space->read_only = true;
  return answer(space);
}

// By an alias too, where one leads there.
std::optional<storage::Path> UserFiles::below_uploads(const storage::Path& path) const {
  auto place = upload_place(path, uploads_ ? uploads_->aliases : std::vector<storage::Alias>{});
  return place ? std::optional(std::move(place->path)) : std::nullopt;
}

storage::Result<UserFiles::Own> UserFiles::own(const storage::Path& path) const {
  const auto below = below_uploads(path);
  if (!uploads_ || !below) return std::unexpected(make_error_code(storage::UploadError::outside));
  auto folder = storage::uploads_below(images_.root);
  if (!folder) return std::unexpected(folder.error());
  return Own{storage::Writable(std::move(*folder), uploads_->sender), *below};
}

storage::Result<storage::Upload> UserFiles::begin(const files::CreateNew& operation) const {
  const auto place = own(operation.path);
  if (!place) return std::unexpected(place.error());
  const auto& root = place->folder.root();
  if (!operation.create) {
    const auto there = root.attributes(place->path, storage::Links::keep);
    return std::unexpected(there ? make_error_code(storage::UploadError::exists) : there.error());
  }
  if (operation.size && !fits(*operation.size, 0))
    return std::unexpected(make_error_code(storage::UploadError::too_large));
  return storage::Upload::begin(uploads_->sender, root, place->path, operation.size);
}

storage::Result<std::size_t> UserFiles::read(std::uint32_t handle, std::span<std::byte> into,
                                             std::uint64_t offset) {
  if (const auto* file = std::get_if<storage::File>(&slot(handle))) {
    const auto got = read_all(into, offset, [&](auto pieces, auto at) { return file->read(pieces, at); });
    // Only now: what was read before the look is what the file was then.
    if (!got || !reaches_end(*file, offset, into.size())) return got;
    if (const auto same = storage::expect_unchanged(*file); !same) return std::unexpected(same.error());
    return got;
  }
  if (const auto* file = upload(handle)) return file->read(into, offset);
  return std::unexpected(std::make_error_code(std::errc::bad_file_descriptor));
}

UserFiles::Outcome UserFiles::store(std::uint32_t handle, std::span<const std::byte> bytes,
                                    std::uint64_t offset) {
  auto* file = upload(handle);
  if (!file) return not_open();
  if (!fits(offset, bytes.size())) {
    const auto error = make_error_code(storage::UploadError::too_large);
    file->fail(error);
    return refuse(named(file->path()), error);
  }
  const auto written = file->write(bytes, offset);
  return written ? Outcome{files::Done{}} : refuse(named(file->path()), written.error());
}

bool UserFiles::fits(std::uint64_t offset, std::uint64_t size) const {
  const auto most = std::min<std::uint64_t>(uploads_ ? uploads_->max_size : 0, INT64_MAX);
  return offset <= most && size <= most - offset;
}

// Our own reason for what the system calls so is told to the client as well.
UserFiles::Outcome UserFiles::refuse(const storage::Path& path, std::error_code error) {
  if (error == std::errc::file_exists) error = storage::UploadError::exists;
  return {.answer = error, .missing = path, .unwritten = true};
}

// Nobody sent what is not below uploads/.
UserFiles::Outcome UserFiles::refuse_change(const storage::Path& path, std::error_code error) {
  return refuse(path, error == storage::UploadError::outside ? storage::UploadError::others : error);
}

// What somebody did to a name that is there.
UserFiles::Outcome UserFiles::change(const storage::Path& path, const storage::Result<void>& done) {
  if (done) return {files::Done{}};
  return storage::is_upload_error(done.error()) ? refuse(path, done.error()) : Outcome{done.error()};
}

// A name below uploads/ is one that its user may be about to write.
bool UserFiles::may_mean_another(const files::Operation& operation,
                                 const storage::LookupSettings& settings) const {
  const auto* path = path_read(operation);
  if (!path || storage::is_in_uploads(*path)) return false;
  return settings.forgiving || (images_.folder.is_root() && !settings.aliases.empty());
}

std::optional<UserFiles::Outcome> UserFiles::perform_as_meant(const files::Operation& operation,
                                                              storage::LookupSettings settings) {
  const auto asked = name_read(operation);
  auto found = search(asked, std::move(settings)).as_meant();
  if (!found) return {};
  const auto* open = std::get_if<files::OpenToRead>(&operation);
  if (!open) return Outcome{found->file.at_open()};
  Outcome outcome{files::Done{}};
  outcome.size = found->file.at_open().size;
  slot(open->handle) = std::move(found->file);
  if (found->rule != storage::Rule::exact) outcome.meant = Meant{asked, found->path, found->rule};
  return outcome;
}

// The aliases are written as from the "/" of all images.
storage::Search UserFiles::search(std::string name, storage::LookupSettings settings) const {
  if (!images_.folder.is_root()) settings.aliases.clear();
  return {images_.catalogue,
          {std::move(name), storage::AboveRoot::stays, std::move(settings)},
          images_.root,
          images_.folder};
}

// As the search understood the name.
storage::Miss UserFiles::explain(const storage::Path& missing, std::error_code error,
                                 const storage::LookupSettings& settings) const {
  const auto wanted = search(missing.text(), settings);
  storage::NotFound miss{missing, error, settings.forgiving};
  if (error == std::errc::no_such_file_or_directory) {
    if (auto found = wanted.as_meant(); !found) miss = std::move(found.error());
  }
  return wanted.explain(miss);
}

UserFiles::Slot& UserFiles::slot(std::uint32_t handle) {
  if (handle >= open_.size()) open_.resize(handle + 1);
  return open_[handle];
}

storage::Upload* UserFiles::upload(std::uint32_t handle) {
  return std::get_if<storage::Upload>(&slot(handle));
}

storage::Upload* UserFiles::upload(const storage::Path& path) {
  for (auto& each : open_) {
    auto* file = std::get_if<storage::Upload>(&each);
    if (file && below_uploads(path) == file->path()) return file;
  }
  return nullptr;
}

}  // namespace server
