#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace storage {

// Something that lies in a folder.
struct FolderEntry {
  std::filesystem::path path;  // below the folder as it was named
  std::string name;
  std::filesystem::file_type type;  // its own, never that of what a link leads to
  std::size_t depth = 0;            // how many folders below the one that is read
  bool is_file() const { return type == std::filesystem::file_type::regular; }
  bool is_folder() const { return type == std::filesystem::file_type::directory; }
};

// What lies in a folder, or in all folders below it too, in no order; links are not followed. In place of
// std::filesystem's iterators, which end the process where they find no memory for a name (libstdc++ 12 to
// 15: what moves them on is noexcept, and allocates); here that is std::bad_alloc. One thread; waits for the
// disk.
class FolderReader {
 public:
  enum class Reach { folder, tree };

  // Throws std::system_error, with the folder's name, where one cannot be read, now or in next().
  explicit FolderReader(const std::filesystem::path& folder, Reach reach = Reach::folder);
  // Has nothing, or no more, where the folder cannot be read: `error`, which outlives this, says why. What
  // lies in one below that cannot be read is left out.
  FolderReader(const std::filesystem::path& folder, std::error_code& error, Reach reach = Reach::folder);
  FolderReader(FolderReader&&) noexcept;
  FolderReader& operator=(FolderReader&&) = delete;
  ~FolderReader();

  // The next one; nothing at the end.
  std::optional<FolderEntry> next();
  // What lies in the folder that next() gave last is not read.
  void pass_over();

 private:
  struct Level;
  struct State;
  std::unique_ptr<State> state_;
};

// When an entry was last written, in nanoseconds since 1970: it itself, never what a link leads to. Nothing
// where that cannot be examined.
std::optional<std::int64_t> last_written(const std::filesystem::path& entry);

// Removes a folder with all that lies in it; links are removed, not followed. What is not there is no error.
// For std::filesystem::remove_all, which ends the process where memory is short. Allocates nothing itself.
std::error_code remove_tree(const std::filesystem::path& folder) noexcept;

}  // namespace storage
