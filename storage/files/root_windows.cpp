#include "storage/files/root_windows.hpp"

#include <array>
#include <memory>

#include "storage/files/file_windows.hpp"
#include "storage/files/listing_windows.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/pointer.hpp"
#include "storage/files/pointer_windows.hpp"
#include "storage/files/rights_windows.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/files/walk_windows.hpp"
#include "storage/files/windows_name.hpp"

namespace storage {
namespace {

constexpr int to_examine = FILE_READ_ATTRIBUTES, to_list = FILE_LIST_DIRECTORY;

std::unexpected<std::error_code> failed(std::errc code) {
  return std::unexpected(std::make_error_code(code));
}
std::unexpected<std::error_code> failed(DWORD error) { return std::unexpected(error_of(error)); }

// An open directory. At the end of its life Directory deletes it.
struct Reader {
  static constexpr std::size_t size = 32 << 10;

  explicit Reader(Handle folder) : handle(std::move(folder)), listing(storage::native(handle), buffer) {}
  Handle handle;
  std::array<std::uint64_t, size / sizeof(std::uint64_t)> buffer;
  Listing listing;
};

struct FullSize {  // FILE_FS_FULL_SIZE_INFORMATION
  LARGE_INTEGER total, available, free;
  ULONG sectors, bytes;
};

}  // namespace

Root::Root(const std::filesystem::path& directory, Resolver resolver) : resolver_(Resolver::components) {
  const auto what = [&] { return "cannot open the directory " + utf8_of(directory); };
  // The kernel of Windows confines no names.
  if (resolver == Resolver::kernel) throw std::system_error(error_of(ERROR_NOT_SUPPORTED), "openat2");
  auto handle = open_path(directory, to_examine, Last::followed);
  if (!handle) throw std::system_error(handle.error(), what());
  const auto attributes = attributes_of(native(*handle));
  if (!attributes) throw std::system_error(attributes.error(), what());
  if (attributes->kind != Kind::directory) throw std::system_error(error_of(ERROR_DIRECTORY), what());
  handle_ = std::move(*handle);
}

Result<Root> Root::open(const std::filesystem::path& directory) {
  try {
    return Root(directory);
  } catch (const std::system_error& e) {
    return std::unexpected(e.code());
  }
}

Result<Handle> Root::resolve(const Path& path, int flags) const {
  return walk(native(handle_), path, flags, has_pointers_at(path));
}

bool Root::has_pointers_at(const Path& path) const { return pointers_ && !is_in_uploads(path); }

std::optional<std::string> Root::pointer_at(const Path& path, const Attributes& own) const {
  if (path.name() != pointer_name || !has_pointers_at(path)) return {};
  const auto folder = resolve(path.parent(), to_examine | only_folder);
  return folder ? read_pointer(native(*folder), path.name(), own) : std::nullopt;
}

Result<File> Root::open_file(const Path& path) const {
  auto handle = resolve(path, FILE_READ_DATA);
  if (!handle) return std::unexpected(handle.error());
  const auto attributes = attributes_of(native(*handle));
  if (!attributes) return std::unexpected(attributes.error());
  if (attributes->kind == Kind::directory) return failed(std::errc::is_a_directory);
  if (attributes->kind != Kind::file) return failed(std::errc::operation_not_permitted);
  return File(std::move(*handle), *attributes);
}

Result<Directory> Root::open_directory(const Path& path) const {
  auto handle = resolve(path, to_list | only_folder);
  if (!handle) return std::unexpected(handle.error());
  return directory_of(std::move(*handle), has_pointers_at(path));
}

Result<Attributes> Root::attributes(const Path& path, Links links) const {
  const auto handle = resolve(path, to_examine | (links == Links::keep ? keep_link : 0));
  if (!handle) return std::unexpected(handle.error());
  auto attributes = attributes_of(native(*handle));
  if (!attributes || links == Links::follow) return attributes;
  if (attributes->kind == Kind::link) attributes->size = link_text(native(*handle)).value_or("").size();
  const auto target = pointer_at(path, *attributes);
  return target ? as_link(*attributes, *target) : attributes;
}

Result<std::string> Root::link_target(const Path& path) const {
  const auto handle = resolve(path, to_examine | keep_link);
  if (!handle) return std::unexpected(handle.error());
  const auto kind = attributes_of(native(*handle));
  if (!kind) return std::unexpected(kind.error());
  if (const auto pointer = pointer_at(path, *kind)) return *pointer;
  if (kind->kind != Kind::link) return failed(ERROR_NOT_A_REPARSE_POINT);
  return link_text(native(*handle));
}

// NTFS has room for files as long as it has room at all: it counts none.
Result<Space> Root::space(const Path& path) const {
  const auto handle = resolve(path, to_examine);
  if (!handle) return std::unexpected(handle.error());
  FullSize size{};
  IO_STATUS_BLOCK io{};
  constexpr auto full_size = static_cast<FS_INFORMATION_CLASS>(7);
  const auto status = ::NtQueryVolumeInformationFile(native(*handle), &io, &size, sizeof size, full_size);
  if (status < 0) return std::unexpected(error_of_status(status));
  DWORD longest = 0, flags = 0;
  if (!::GetVolumeInformationByHandleW(native(*handle), nullptr, 0, nullptr, &longest, &flags, nullptr, 0))
    longest = 255;
  const auto block = std::uint64_t{size.sectors} * size.bytes;
  const auto bytes = [block](const LARGE_INTEGER& blocks) {
    return static_cast<std::uint64_t>(blocks.QuadPart) * block;
  };
  return Space{block,
               bytes(size.total),
               bytes(size.free),
               bytes(size.available),
               0,
               0,
               longest,
               (flags & FILE_READ_ONLY_VOLUME) != 0};
}

Result<Root> Root::subroot(const Path& path) const {
  auto handle = resolve(path, to_examine | only_folder);
  if (!handle) return std::unexpected(handle.error());
  return Root(std::move(*handle), resolver_, has_pointers_at(path));
}

Result<void> Root::adopt(const std::filesystem::path& from, const Path& to) const {
  if (to.is_root()) return failed(std::errc::is_a_directory);
  const auto parent = resolve(to.parent(), to_examine | only_folder);
  if (!parent) return std::unexpected(parent.error());
  if (!is_windows_name(to.name())) return failed(ERROR_INVALID_NAME);
  const auto file = open_path(from, DELETE, Last::itself);
  if (!file) return std::unexpected(file.error());
  if (const auto error = rename_to(native(*file), native(*parent), widen(to.name()), Onto::nothing))
    return std::unexpected(error);
  if (const auto place = final_path(native(*file), Volume::named)) inherit_rights(*place);
  if (const auto folder = open_at(native(*parent), {}, FILE_APPEND_DATA)) flush(native(*folder));
  return {};
}

Directory directory_of(Handle handle, bool pointers) {
  return Directory(new Reader(std::move(handle)), pointers);
}

Directory::~Directory() { delete static_cast<Reader*>(stream_); }

NativeHandle Directory::native() const { return static_cast<Reader*>(stream_)->handle.get(); }

// A name that is not Unicode is left out: no client could ask for it.
Result<std::vector<Entry>> Directory::read(std::size_t count) {
  auto& reader = *static_cast<Reader*>(stream_);
  std::vector<Entry> entries;
  while (entries.size() < count) {
    std::error_code error;
    const auto found = reader.listing.next(error);
    if (error) return std::unexpected(error);
    if (!found) break;
    auto name = narrow(found->name);
    if (!name) continue;
    auto attributes = attributes_of(found->raw);
    const auto target =
        pointers_ ? read_pointer(storage::native(reader.handle), *name, attributes) : std::nullopt;
    if (target) attributes = as_link(attributes, *target);
    entries.push_back({std::move(*name), attributes});
  }
  return entries;
}

}  // namespace storage
