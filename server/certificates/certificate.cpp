#include "server/certificates/certificate.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>

#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/privacy.hpp"

namespace server {
namespace fs = std::filesystem;
namespace {

constexpr long day = 24 * 60 * 60, valid_days = 825, renewed_days = 30;
constexpr auto chain_name = "web.crt", key_name = "web.key";

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Pointer = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

void expect(bool good, const char* what) {
  if (!good) throw std::runtime_error(fmt::format("OpenSSL cannot {}", what));
}

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Bio memory() {
  Bio bio(BIO_new(BIO_s_mem()));
  expect(bio != nullptr, "take memory");
  return bio;
}

Bio reading(const std::string& text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  expect(bio != nullptr, "take memory");
  return bio;
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  expect(X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1, "compute a fingerprint");
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest.at(i));
  return text;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  using namespace std::chrono;
  std::tm parts{};
  expect(ASN1_TIME_to_tm(time, &parts) == 1, "read a certificate's end");
  const year_month_day date{year(parts.tm_year + 1900), month(static_cast<unsigned>(parts.tm_mon) + 1),
                            std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return sys_days(date) + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad())
    throw std::runtime_error(
        fmt::format("{} cannot be read: the server's user needs the right to, and a folder "
                    "that is new in the configuration takes a restart",
                    storage::utf8_of(file)));
  return text;
}

// No key that somebody encrypted: nobody is there to be asked for its passphrase.
int no_passphrase(char*, int, int, void*) { return 0; }

X509Pointer parse_chain(const std::string& text) {
  const auto bio = reading(text);
  return X509Pointer(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
}

Certificate put_together(const fs::path& chain_file, const fs::path& key_file) {
  Certificate certificate{read_file(chain_file), read_file(key_file), {}, {}};
  const auto first = parse_chain(certificate.chain);
  if (!first)
    throw std::runtime_error(
        fmt::format("{} is not a certificate in PEM: it begins with -----BEGIN CERTIFICATE-----",
                    storage::utf8_of(chain_file)));
  const auto bio = reading(certificate.key);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key)
    throw std::runtime_error(fmt::format(
        "{} is not a private key in PEM without a passphrase: `openssl pkey -in FILE -out {}` takes one off",
        storage::utf8_of(key_file), storage::utf8_of(key_file)));
  if (X509_check_private_key(first.get(), key.get()) != 1)
    throw std::runtime_error(fmt::format("{} is not the key of {}: their public keys differ",
                                         storage::utf8_of(key_file), storage::utf8_of(chain_file)));
  certificate.fingerprint = fingerprint_of(first.get());
  certificate.ends_at = time_of(X509_get0_notAfter(first.get()));
  return certificate;
}

bool is_good(const std::string& chain, const CertificateNames& names) {
  const auto first = parse_chain(chain);
  if (!first) return false;
  auto soon = std::time(nullptr) + renewed_days * day;
  if (X509_cmp_time(X509_get0_notAfter(first.get()), &soon) <= 0) return false;
  return std::ranges::all_of(names.names, [&](const std::string& name) {
    return X509_check_host(first.get(), name.data(), name.size(), 0, nullptr) == 1;
  });
}

void add_extension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  expect(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "write a certificate's extension");
}

std::string alternative_names(const CertificateNames& names) {
  std::string text = "DNS:localhost,IP:127.0.0.1,IP:::1";
  const auto add = [&text](const char* kind, const std::string& value) {
    text += fmt::format(",{}:{}", kind, value);
  };
  // What a host may be called, and a configuration may name, has no comma in it.
  const auto safe = [](char c) {
    return c == '.' || c == '-' || std::isalnum(static_cast<unsigned char>(c));
  };
  if (!names.host.empty() && std::ranges::all_of(names.host, safe)) add("DNS", names.host);
  for (const auto& name : names.names) add("DNS", name);
  for (const auto& address : names.addresses) add("IP", address);
  return text;
}

void name_it(X509* certificate) {
  auto* const name = X509_get_subject_name(certificate);
  const auto* const text = reinterpret_cast<const unsigned char*>("apdepot");
  expect(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
             X509_set_issuer_name(certificate, name) == 1,
         "name a certificate");
}

void number_it(X509* certificate) {
  std::uint64_t number = 0;
  expect(RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) == 1, "give random numbers");
  expect(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1) == 1,
         "number a certificate");
}

void make(const fs::path& chain_file, const fs::path& key_file, const CertificateNames& names) {
  const Key key(EVP_EC_gen("P-256"));
  const X509Pointer certificate(X509_new());
  expect(key && certificate, "make a key");
  auto* const raw = certificate.get();
  expect(X509_set_version(raw, X509_VERSION_3) == 1, "make a certificate");
  number_it(raw);
  X509_gmtime_adj(X509_getm_notBefore(raw), -day);  // a clock may be slow
  X509_gmtime_adj(X509_getm_notAfter(raw), (valid_days - 1) * day);
  expect(X509_set_pubkey(raw, key.get()) == 1, "make a certificate");
  name_it(raw);
  add_extension(raw, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(raw, NID_ext_key_usage, "serverAuth");
  add_extension(raw, NID_subject_alt_name, alternative_names(names));
  expect(X509_sign(raw, key.get(), EVP_sha256()) > 0, "sign a certificate");
  const auto chain = memory(), secret = memory();
  expect(PEM_write_bio_X509(chain.get(), raw) == 1 &&
             PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "write a certificate");
  storage::write_durably(key_file, text_of(secret), 0600);
  storage::write_durably(chain_file, text_of(chain), 0644);
}

void check_private(const fs::path& file) {
  using storage::Others;
  if (storage::have_access(Others::anybody, file))
    throw std::runtime_error(fmt::format("the key {} can be read by others: `{}`", storage::utf8_of(file),
                                         storage::command_against(Others::anybody, file)));
}

// As it lies there; nothing where it is to be made again.
std::optional<Certificate> there(const fs::path& chain_file, const fs::path& key_file,
                                 const CertificateNames& names) {
  std::error_code error;
  if (!fs::exists(chain_file, error) || !fs::exists(key_file, error)) return {};
  check_private(key_file);
  if (!is_good(read_file(chain_file), names)) return {};
  return put_together(chain_file, key_file);
}

}  // namespace

std::string Certificate::ends() const {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(ends_at));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

Certificate load_certificate(const fs::path& chain, const fs::path& key) { return put_together(chain, key); }

std::optional<Certificate> made_certificate(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / chain_name, error) && !error) return {};
  return put_together(folder / chain_name, folder / key_name);
}

// Two servers of one depot that begin at once must not each make one.
Certificate load_or_make_certificate(const fs::path& folder, const CertificateNames& names) {
  const auto chain_file = folder / chain_name, key_file = folder / key_name;
  if (auto found = there(chain_file, key_file, names)) return std::move(*found);
  const storage::DirectoryLock others_wait(folder);
  if (auto found = there(chain_file, key_file, names)) return std::move(*found);
  make(chain_file, key_file, names);
  return put_together(chain_file, key_file);
}

}  // namespace server
