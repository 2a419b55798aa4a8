#pragma once
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <new>
#include <string>
#include <utility>

namespace test {

// SQLite's own disk, with the faults that a test wants, for the databases that are opened while this lives.
// Keeps each file as it was when it was last synced: what a power cut leaves at the worst.
class FailingDisk {
 public:
  // `synced`: an empty folder for those.
  explicit FailingDisk(std::filesystem::path synced) : synced_(std::move(synced)) {
    std::filesystem::create_directories(synced_);
    here = this;
    system = sqlite3_vfs_find(nullptr);
    own = *system;
    own.zName = "failing";
    own.szOsFile = static_cast<int>(sizeof(File)) + system->szOsFile;
    own.xOpen = open;
    own.xDelete = remove;
    sqlite3_vfs_register(&own, 1);
  }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;
  ~FailingDisk() {
    sqlite3_vfs_unregister(&own);
    here = nullptr;
  }

  std::atomic<int> sync_error = SQLITE_OK, write_error = SQLITE_OK;  // SQLite's codes

 private:
  struct File {
    sqlite3_file base;
    sqlite3_file* real;
    const char* name;
  };
  static File& self(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return self(file).real; }
  static const sqlite3_io_methods& of(sqlite3_file* file) { return *real(file)->pMethods; }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* const made = new (file) File{{nullptr}, reinterpret_cast<sqlite3_file*>(&self(file) + 1), name};
    const int code = system->xOpen(system, name, made->real, flags, out);
    made->base.pMethods = made->real->pMethods ? &methods : nullptr;
    return code;
  }
  static int remove(sqlite3_vfs*, const char* name, int sync_folder) {
    std::filesystem::remove(here->place_of(name));
    return system->xDelete(system, name, sync_folder);
  }
  static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    if (const int error = here->write_error) return error;
    return of(file).xWrite(real(file), bytes, count, offset);
  }
  static int sync(sqlite3_file* file, int flags) {
    if (const int error = here->sync_error) return error;
    const int code = of(file).xSync(real(file), flags);
    const auto* const name = self(file).name;
    if (code == SQLITE_OK && name)
      std::filesystem::copy_file(name, here->place_of(name),
                                 std::filesystem::copy_options::overwrite_existing);
    return code;
  }
  std::filesystem::path place_of(const char* name) const {
    return synced_ / std::filesystem::path(name).filename();
  }

  static inline FailingDisk* here = nullptr;
  static inline sqlite3_vfs* system = nullptr;
  static inline sqlite3_vfs own{};
  static constexpr sqlite3_io_methods methods{
      2,
      [](sqlite3_file* f) { return of(f).xClose(real(f)); },
      [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) { return of(f).xRead(real(f), to, n, at); },
      write,
      [](sqlite3_file* f, sqlite3_int64 size) { return of(f).xTruncate(real(f), size); },
      sync,
      [](sqlite3_file* f, sqlite3_int64* size) { return of(f).xFileSize(real(f), size); },
      [](sqlite3_file* f, int level) { return of(f).xLock(real(f), level); },
      [](sqlite3_file* f, int level) { return of(f).xUnlock(real(f), level); },
      [](sqlite3_file* f, int* out) { return of(f).xCheckReservedLock(real(f), out); },
      [](sqlite3_file* f, int what, void* with) { return of(f).xFileControl(real(f), what, with); },
      [](sqlite3_file* f) { return of(f).xSectorSize(real(f)); },
      [](sqlite3_file* f) { return of(f).xDeviceCharacteristics(real(f)); },
      [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
        return of(f).xShmMap(real(f), page, size, extend, out);
      },
      [](sqlite3_file* f, int at, int n, int flags) { return of(f).xShmLock(real(f), at, n, flags); },
      [](sqlite3_file* f) { of(f).xShmBarrier(real(f)); },
      [](sqlite3_file* f, int away) { return of(f).xShmUnmap(real(f), away); },
      nullptr,
      nullptr};

  const std::filesystem::path synced_;
};

}  // namespace test
