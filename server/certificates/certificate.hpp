#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace server {

// A certificate with its chain, and its private key, in PEM, and what a browser shows of it.
struct Certificate {
  std::string chain, key;
  std::string fingerprint;  // SHA-256: "A1:B2:..."
  std::chrono::sys_seconds ends_at;

  std::string ends() const;  // "2028-03-04"
};

// The names and addresses that a self-made certificate is to stand for.
struct CertificateNames {
  std::string host;  // of this host
  std::vector<std::string> names, addresses;
};

// The administrator's own. Throws std::runtime_error, with the file and what to do, for files that cannot be
// read, or do not belong together. Blocks.
Certificate load_certificate(const std::filesystem::path& chain, const std::filesystem::path& key);

// That of the server itself, as it lies in `folder`; nothing where there is none yet. Throws as above.
// Blocks.
std::optional<Certificate> made_certificate(const std::filesystem::path& folder);

// That of the server itself in `folder`, web.crt and web.key; made, P-256 and valid for 825 days, where there
// is none, where it ends within 30 days, or where one of the configured names is not in it. Throws
// std::runtime_error. Blocks.
Certificate load_or_make_certificate(const std::filesystem::path& folder, const CertificateNames& names);

}  // namespace server
