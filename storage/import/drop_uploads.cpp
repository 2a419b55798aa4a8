#include "storage/import/drop_uploads.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <system_error>

#include "storage/archives/clutter.hpp"
#include "storage/archives/member_name.hpp"
#include "storage/depot/arriving.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/growing_file.hpp"
#include "storage/files/own_folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/images/image_name.hpp"
#include "storage/import/drop_folder.hpp"
#include "storage/releases/origin_index.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

using Why = DropUploadFault::Why;

constexpr std::size_t random_bytes = 8, copied_at_once = 1 << 20, longest_note = 2048;
constexpr std::uint64_t largest = std::uint64_t{1} << 62;
constexpr std::string_view first_line = "apdepot upload 1";
constexpr auto content_name = "content", note_name = "note";
constexpr auto in_drop = ".arriving";  // for a drop/ on a file system of its own; never imported, as hidden

std::string new_id() {
  std::array<unsigned char, random_bytes> bytes{};
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw std::bad_alloc();
  std::string id;
  for (const auto byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

bool is_id(std::string_view text) {
  return text.size() == 2 * random_bytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string text_of(const AnnouncedFile& file) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", first_line, file.owner, file.name, file.size,
                     file.last_modified, file.sha512);
}

std::optional<AnnouncedFile> read_note(const fs::path& path) {
  const auto note = open_plain_file(path);
  std::string text(longest_note, '\0');
  const std::span<std::byte> whole = std::as_writable_bytes(std::span(text));
  const auto got = note.read({&whole, 1}, 0);
  if (!got) throw std::system_error(got.error(), "cannot read " + utf8_of(path));
  text.resize(*got);
  std::vector<std::string> lines;
  for (std::string_view rest = text; rest.find('\n') != rest.npos; rest.remove_prefix(rest.find('\n') + 1))
    lines.emplace_back(rest.substr(0, rest.find('\n')));
  if (lines.size() != 6 || lines[0] != first_line) return std::nullopt;
  AnnouncedFile file{lines[1], lines[2], 0, lines[4], lines[5]};
  const auto& size = lines[3];
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), file.size);
  if (error != std::errc{} || end != size.data() + size.size()) return std::nullopt;
  return file;
}

DropUploadFault gone(const std::string& id) {
  return {Why::gone, fmt::format("no upload {} is under way", in_quotes(id))};
}

DropUploadFault no_room(std::uint64_t bytes) {
  return {Why::no_room, fmt::format("the disk has no room for {} bytes more: {}", bytes,
                                    make_error_code(UploadError::reserve).message())};
}

DropUploadFault taken(const std::string& name) {
  return {Why::taken, fmt::format("{} lies in drop/ already", in_quotes(name))};
}

// The bytes that are about to be written, as far as the account counts them.
class Writing {
 public:
  Writing(UploadAccount& account, std::uint64_t bytes)
      : account_(account), bytes_(bytes), may_(!account.begin_write(bytes)) {}
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() {
    if (may_) account_.end_write(bytes_);
  }
  bool may() const { return may_; }

 private:
  UploadAccount& account_;
  const std::uint64_t bytes_;
  const bool may_;
};

void copy_synced(const fs::path& from, const fs::path& folder, const std::string& name) {
  const auto file = open_plain_file(from);
  NewFile copy(folder, name);
  std::vector<std::byte> buffer(copied_at_once);
  const std::span<std::byte> piece = buffer;
  for (std::uint64_t at = 0;;) {
    const auto got = file.read({&piece, 1}, at);
    if (!got) throw std::system_error(got.error(), "cannot read " + utf8_of(from));
    if (*got == 0) break;
    copy.write(piece.first(*got));
    at += *got;
  }
  copy.sync();
}

// By way of a hidden name there, so that nothing half-copied is visible.
void move_to_other_file_system(const fs::path& content, const fs::path& to, const std::string& id) {
  const auto folder = to.parent_path() / in_drop;
  make_directories(folder, 0700);
  if (!OwnFolder::open(folder))
    throw std::runtime_error(fmt::format(
        "{} is a link, or another user's, or others may write in it: remove it", utf8_of(folder)));
  const auto copy = folder / path_of(id);
  fs::remove(copy);  // of a try that was broken off
  try {
    copy_synced(content, folder, id);
    rename_new(copy, to);
  } catch (...) {
    std::error_code ignored;
    fs::remove(copy, ignored);
    throw;
  }
}

}  // namespace

std::optional<DropNameFault> fault_of_drop_name(std::string_view name) {
  const auto quoted = in_quotes(name);
  if (name.find_first_of("/\\") != name.npos)
    return DropNameFault{false, fmt::format("{} is not the name of a file: it has a slash", quoted)};
  if (const auto fault = name_fault(name))
    return DropNameFault{false, fmt::format("{} is not the name of a file: {}", quoted, *fault)};
  if (is_clutter(name))
    return DropNameFault{
        true, fmt::format("{} is a file that an operating system keeps for itself, and no image", quoted)};
  if (is_in_the_making(name))
    return DropNameFault{
        true, fmt::format("{} is the name of a download that has not ended: it is imported under its final "
                          "name only",
                          quoted)};
  if (is_bundle_member_name(name))
    return DropNameFault{
        true,
        fmt::format("{} is a member of a bundle, and does not tell of which: upload the ZIP itself", quoted)};
  return std::nullopt;
}

fs::path DropUploads::folder_of(const std::string& id) const { return arriving_in(depot()) / path_of(id); }

bool DropUploads::is_taken(const std::string& name) const {
  return fs::exists(fs::symlink_status(depot().drop() / path_of(name)));
}

std::optional<DropUpload> DropUploads::read(const std::string& id) const try {
  const auto file = read_note(folder_of(id) / note_name);
  if (!file) return std::nullopt;
  const auto content = open_plain_file(folder_of(id) / content_name).at_open();
  return DropUpload{id, *file, content.size, content.modified};
} catch (const std::system_error& e) {
  if (e.code() == std::errc::no_such_file_or_directory) return std::nullopt;
  throw;
}

std::vector<DropUpload> DropUploads::all() const {
  std::vector<DropUpload> found;
  std::error_code none_yet;
  FolderReader reader(arriving_in(depot()), none_yet);
  while (const auto entry = reader.next()) {
    if (!is_id(entry->name)) continue;
    if (auto upload = read(entry->name)) found.push_back(std::move(*upload));
  }
  return found;
}

// Waits for whoever works at it: for a piece, or for the digest of the whole.
DropUploads::Result<DropUploads::Held> DropUploads::hold(const std::string& id) {
  if (!is_id(id)) return std::unexpected(gone(id));
  try {
    DirectoryLock lock(folder_of(id));
    auto upload = lock.still_there() ? read(id) : std::nullopt;
    if (upload) return Held{std::move(lock), std::move(*upload)};
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::no_such_file_or_directory) throw;
  }
  return std::unexpected(gone(id));
}

std::optional<DropUploadFault> DropUploads::obstacle(const AnnouncedFile& file, std::int64_t now,
                                                     const std::vector<DropUpload>& others) {
  if (is_taken(file.name)) return taken(file.name);
  if (const auto release = file.sha512.empty() ? "" : release_out_of(depot(), file.sha512); !release.empty())
    return DropUploadFault{Why::published,
                           fmt::format("{} came out of the file with this SHA-512 already", release)};
  if (others.size() >= most)
    return DropUploadFault{Why::too_many,
                           fmt::format("{} uploads have not ended; the oldest are removed when "
                                       "they were left for a day",
                                       others.size())};
  std::string own;
  std::size_t of_owner = 0;
  std::uint64_t expected = std::min(file.size, largest);
  for (const auto& other : others) {
    if (now - other.written >= at_once.count()) continue;
    expected = std::min(expected + (other.file.size - std::min(other.offset, other.file.size)), largest);
    if (other.file.owner != file.owner) continue;
    ++of_owner;
    own += (own.empty() ? "" : ", ") + in_quotes(other.file.name);
  }
  if (of_owner >= most_each)
    return DropUploadFault{Why::too_many,
                           fmt::format("{} uploads of this login are on their way: {}", of_owner, own)};
  if (!Writing(account_, expected).may()) return no_room(expected);
  return std::nullopt;
}

DropUpload DropUploads::make(const AnnouncedFile& file, std::int64_t now) {
  DropUpload upload{new_id(), file, 0, now};
  const auto folder = folder_of(upload.id);
  make_directories(folder, 0700);
  try {
    const DirectoryLock lock(folder);
    NewFile(folder, content_name).sync();
    write_durably(folder / note_name, text_of(file), 0600);
  } catch (...) {
    remove_tree(folder);
    throw;
  }
  return upload;
}

DropUploads::Result<DropUpload> DropUploads::begin(const AnnouncedFile& file, std::int64_t now) {
  const std::lock_guard guard(beginning_);
  const auto others = all();
  const auto same = std::ranges::find(others, file, &DropUpload::file);
  if (same != others.end()) {
    if (auto held = hold(same->id)) {
      if (held->upload.is_whole()) return publish(std::move(*held));
      return held->upload;
    }
  }
  if (auto fault = obstacle(file, now, others)) return std::unexpected(std::move(*fault));
  return make(file, now);
}

DropUploads::Result<DropUpload> DropUploads::find(const std::string& id) {
  auto held = hold(id);
  if (held) return held->upload;
  const std::lock_guard guard(remembering_);
  const auto ended = std::ranges::find(published_, id, &DropUpload::id);
  if (ended != published_.end()) return *ended;
  return std::unexpected(std::move(held.error()));
}

DropUploads::Result<DropUpload> DropUploads::append(const std::string& id, std::uint64_t offset,
                                                    std::span<const std::byte> bytes) {
  auto held = hold(id);
  if (!held) return std::unexpected(std::move(held.error()));
  auto& upload = held->upload;
  if (offset != upload.offset)
    return std::unexpected(DropUploadFault{
        Why::offset, fmt::format("{} bytes lie here, not {}", upload.offset, offset), upload.offset});
  if (bytes.size() > upload.file.size - std::min(upload.offset, upload.file.size))
    return std::unexpected(DropUploadFault{
        Why::too_long, fmt::format("{} bytes were announced, and more came", upload.file.size)});
  const Writing writing(account_, bytes.size());
  if (!writing.may()) return std::unexpected(no_room(upload.file.size - upload.offset));
  try {
    GrowingFile(folder_of(id) / content_name).append(bytes);
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::no_space_on_device)
      return std::unexpected(no_room(upload.file.size - upload.offset));
    throw;
  }
  upload.offset += bytes.size();
  return std::move(upload);
}

DropUploads::Result<DropUpload> DropUploads::publish(const std::string& id) {
  auto held = hold(id);
  if (!held) return std::unexpected(std::move(held.error()));
  if (!held->upload.is_whole()) return std::move(held->upload);
  return publish(std::move(*held));
}

DropUploads::Result<DropUpload> DropUploads::publish(Held held) {
  auto& upload = held.upload;
  const auto& announced = upload.file.sha512;
  const auto folder = folder_of(upload.id), content = folder / content_name;
  if (is_taken(upload.file.name)) return std::unexpected(taken(upload.file.name));
  if (!announced.empty()) {
    const auto hex = digests_of(open_plain_file(content), {DigestKind::sha512}).front();
    if (hex != announced) {
      remove_held(folder, std::move(held.lock));
      return std::unexpected(DropUploadFault{
          Why::wrong_digest, fmt::format("its SHA-512 is {}, and {} was announced", hex, announced)});
    }
  }
  GrowingFile(content).sync();
  if (!place(upload)) return std::unexpected(taken(upload.file.name));
  remember(upload);
  remove_held(folder, std::move(held.lock));  // what stays is swept
  return std::move(upload);
}

bool DropUploads::place(const DropUpload& upload) const {
  const auto content = folder_of(upload.id) / content_name, to = depot().drop() / path_of(upload.file.name);
  try {
    if (is_one_file_system(content.parent_path(), depot().drop())) {
      rename_new(content, to);
    } else {
      move_to_other_file_system(content, to, upload.id);
    }
    return true;
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::file_exists) throw;
    return false;
  }
}

void DropUploads::remember(const DropUpload& published) {
  const std::lock_guard guard(remembering_);
  if (published_.size() == most_remembered) published_.pop_front();
  published_.push_back(published);
}

DropUploads::Result<DropUpload> DropUploads::remove(const std::string& id) {
  auto held = hold(id);
  if (!held) return std::unexpected(std::move(held.error()));
  if (const auto error = remove_held(folder_of(id), std::move(held->lock)))
    throw std::system_error(error, "cannot remove " + utf8_of(folder_of(id)));
  return std::move(held->upload);
}

// One that cannot be looked at, or is in use, waits for the next sweep.
void DropUploads::sweep(std::int64_t now) {
  const std::lock_guard guard(beginning_);
  std::error_code error;
  std::vector<std::string> ids;
  FolderReader reader(arriving_in(depot()), error);
  while (auto entry = reader.next()) ids.push_back(std::move(entry->name));
  for (const auto& id : ids) {
    try {
      sweep(id, now);
    } catch (const std::system_error&) {
      continue;
    }
  }
  if (const auto half_copied = OwnFolder::open(depot().drop() / in_drop)) {
    for (const auto& id : half_copied->names())
      if (is_id(id) && !fs::exists(folder_of(id), error)) half_copied->remove_file(id);
  }
}

void DropUploads::sweep(const std::string& id, std::int64_t now) {
  const auto folder = folder_of(id);
  auto lock = DirectoryLock::try_to(folder);
  if (!lock) return;
  const auto upload = is_id(id) ? read(id) : std::nullopt;
  const bool is_old = !upload || now - upload->written >= std::chrono::seconds(kept).count();
  if (!upload || !upload->is_whole()) {
    if (is_old) remove_held(folder, std::move(*lock));
  } else if (!publish(Held{std::move(*lock), *upload}) && is_old) {
    remove_tree(folder);
  }
}

}  // namespace storage
