/** A password and a hash that another implementation made of it. */
export interface ForeignHash {
  readonly name: string;
  readonly password: string;
  readonly hash: string;
}

const from = (
  maker: string,
  ...hashes: readonly [name: string, password: string, hash: string][]
): ForeignHash[] =>
  hashes.map(([name, password, hash]) => ({ name: `${name}, from ${maker}`, password, hash }));

const password = "correct horse battery staple";
const umlauts = "Füße und Größe 71";

/** For every format, what others have published or made. */
export const foreignHashes: readonly ForeignHash[] = [
  ...from(
    "hashcat's published example hashes (wiki, example_hashes), by mode",
    ["400 phpass", "hashcat", "$P$984478476IagS59wHZvyQMArzfx58u."],
    ["400 phpBB3", "hashcat", "$H$984478476IagS59wHZvyQMArzfx58u."],
    ["500 md5crypt", "hashcat", "$1$28772684$iEwNOgGugqO9.bIz5sk8k/"],
    ["1600 apr1", "hashcat", "$apr1$71850310$gh9m4xcAn3MGxogwX/ztb."],
    ["1411 SSHA-256", "hashcat", "{SSHA256}OZiz0cnQ5hgyel3Emh7NCbhBRCQ+HVBwYplQunHYnER7TLuV"],
    [
      "1711 SSHA-512",
      "hashcat",
      "{SSHA512}ALtwKGBdRgD+U0fPAy31C28RyKYx7+a8kmfksccsOeLknLHv2DBXYI7TDnTolQMBuPkWDISgZr2cHfnNPFjGZTEyNDU4OTkw",
    ],
    ["3200 bcrypt", "hashcat", "$2a$05$LhayLxezLhK1LhWvKxCyLOj0j1u.Kj0jZ0pEmm134uzrQlFvQJLF6"],
    ["7900 Drupal 7", "hashcat", "$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf"],
  ),
  ...from(
    "Ory Kratos' tests (hash/hasher_test.go)",
    ["argon2id", "test", "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw"],
    [
      "argon2i",
      "test",
      "$argon2i$v=19$m=65536,t=3,p=4$kk51rW/vxIVCYn+EG4kTSg$NyT88uraJ6im6dyha/M5jhXvpqlEdlS/9fEm7ScMb8c",
    ],
    ["bcrypt", "test", "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6"],
    [
      "PBKDF2 SHA-256",
      "test",
      "$pbkdf2-sha256$i=100000,l=32$1jP+5Zxpxgtee/iPxGgOz0RfE9/KJuDElP1ley4VxXc$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI",
    ],
    [
      "PBKDF2 SHA-512",
      "test",
      "$pbkdf2-sha512$i=100000,l=32$bdHBpn7OWOivJMVJypy2UqR0UnaD5prQXRZevj/05YU$+wArTfv1a+bNGO1iZrmEdVjhA+lL11wF4/IxpgYfPwc",
    ],
    [
      "scrypt, whose ln is N",
      "test",
      "$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=",
    ],
    [
      "Firebase scrypt",
      "8x4WjoDbSxJZdR",
      "$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==$Bw==$YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw==",
    ],
    ["{SSHA}", "test123", "{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a"],
    [
      "SHA-1, salt first",
      "test",
      "$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$2qU2SGWP8viTM1md3FiI3+rjWXQ=",
    ],
    [
      "SHA-1, text before",
      "test",
      "$sha1$pf=Pz9zdGF0aWNQcmVmaXg/P3tTQUxUfXtQQVNTV09SRH0=$NW9wbWtnejAzcg==$SAAxMUn7jxckQXkBmsVF0nHwqso=",
    ],
    [
      "SHA-1, salt last",
      "test",
      "$sha1$pf=e1BBU1NXT1JEfSUle1NBTFR9$NW9wbWtnejAzcg==$YX0AW8/MW5ojUlnzTaR43ucHCog=",
    ],
    [
      "SHA-256, salt first",
      "test",
      "$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$0gfRVLCvtBCk20udLDEY5vNhujWx7RGjwRIS1ebMsLY=",
    ],
    [
      "SHA-512, text between",
      "test",
      "$sha512$pf=e1NBTFR9JCR7UEFTU1dPUkR9$NW9wbWtnejAzcg==$1F9BPW8UtdJkZ9Dhlf+D4X4dJ9xfuH8y04EfuCP2k4aGPPq/aWxU9/xe3LydHmYW1/K3zu3NFO9ETVrZettz3w==",
    ],
    ["MD5 without salt", "test", "$md5$CY9rzUYh03PK3k6DJie09g=="],
    ["MD5, salt first", "test", "$md5$pf=e1NBTFR9e1BBU1NXT1JEfQ==$MTIz$q+RdKCgc+ipCAcm5ChQwlQ=="],
    ["MD5, salt last", "ory", "$md5$pf=e1BBU1NXT1JEfXtTQUxUfSQ/$MTIzNDU2Nzg5$8PhwWanVRnpJAFK4NUjR0w=="],
    ["md5-crypt", "test", "$md5-crypt$TVEiiKNb$SN6/pUaRQS/E8Jh46As2C/"],
    ["md5-crypt without salt", "test", "$md5-crypt$$whuMjZj.HMFoaTaZRRtkO0"],
    [
      "SHA-512-crypt",
      "test",
      "$sha512-crypt$rounds=656000$3LVbIAVxR//cRajw$uuNasMW.RYxlGzIRFU1Was70BPSa933AjxhZIGJdJBOlqJAHlgqa0yuiuq5JHF/ryNGryJkj87G9i3G2HPSXg1",
    ],
    ["HMAC-MD5", "test", "$hmac-md5$ZmU4Njk3Zjc0MmQwODA0MDVkMTI3MGU2MTYzMzE2Zjk=$MTIzNDU="],
    ["HMAC-SHA-1", "test", "$hmac-sha1$NDMyNjcxZTUyY2Y2YTBmYjZjZDE2NjQxYjAwNjFiZjAwOGEzNWM5MA==$MTIzNDU="],
    [
      "HMAC-SHA-256",
      "test",
      "$hmac-sha256$ZTAzMWJhMWMyOTM4YjFkMjgzZjkxOWExZGY5YWM2NmMxOTJhN2RkNzQ0MzJkNWZkNGFkYTI5OTk0MWJhMTA5Zg==$MTIzNDU=",
    ],
    [
      "HMAC-SHA-512",
      "test",
      "$hmac-sha512$OTFmODY0ZTI1NmU0ZjVhYjhiMDViZGFmNGVmNGZmMGVlNTY4ODYwNWJhYTk4MTk2OTgyMzc3NzI1YTc4MzcxMTMzNzZmY2YxYTk5MGMxM2RiZDk2MGFmMmQ1YzRmODdlMGMwYTNkYjcyNjY0NjM4NGE4YzQ2MjNhZDZkN2UxZTE=$MTIzNDU=",
    ],
  ),
  ...from(
    "the specification of SHA-crypt (Drepper, SHA-crypt.txt 0.4)",
    ["SHA-256", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"],
    [
      "SHA-256 with rounds",
      "Hello world!",
      "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
    ],
    [
      "SHA-512",
      "Hello world!",
      "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ],
    [
      "SHA-512 with rounds",
      "Hello world!",
      "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
    ],
  ),
  ...from(
    "ASP.NET Core Identity's tests (PasswordHasherTest.cs)",
    [
      "version 3, SHA-256",
      "my password",
      "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
    ],
    [
      "version 3, 250,000 iterations",
      "my password",
      "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=",
    ],
    [
      "version 3, SHA-512 of 16 bytes",
      "my password",
      "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
    ],
    [
      "version 3, SHA-512 of 64 bytes",
      "my password",
      "AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==",
    ],
    ["version 2", "my password", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="],
  ),
  ...from(
    "passlib 1.7.4",
    ["md5-crypt", password, "$1$FHLYdtCa$a1TN1wQMQwa6uqNVKiVFr."],
    ["md5-crypt of UTF-8", umlauts, "$1$.l/v8WF8$.Pzbp2rLGcMnNE62M8pNJ."],
    ["apr1", password, "$apr1$eGm./7zR$GETxMvuc/79b.36i.uUdj/"],
    ["apr1 of UTF-8", umlauts, "$apr1$nPbulHq2$TiYP7wZ7xzGtH.ds1TT29/"],
    ["SHA-256-crypt", password, "$5$cdn/zMm0TsDmiGSA$AeRG912V4nDk/3/4xllae3PHD6x2cn3p3bqTWwLqdQ5"],
    ["SHA-256-crypt of UTF-8", umlauts, "$5$l4OZiqFTmKOrmuZd$erTr1tyv.g8tNbEp8TvGVpmAEzwcpdPSv5N.tedQwF3"],
    [
      "SHA-512-crypt",
      password,
      "$6$rounds=1000$I/kSlKgILONf9o/5$wwrV7ZwdrLFFGl9OXH8g3KJiF3DEiIFkK9teinjpabCQfrqaoSZX2pVhVMriXQuRG6XHIgcHApJ2krszKLZps/",
    ],
    [
      "SHA-512-crypt of UTF-8",
      umlauts,
      "$6$rounds=1000$rEVmhahZNWa8.OI9$l0jM5fIInuCR/Y2DuLdPw0avU.yU4P/13PYcUKId.2ZJq7StVORk0zYzuX0IEL3AO2QlKL5bS37Uy8YN/rduO/",
    ],
    ["phpass", password, "$P$Bfvt5eP4X5Kf0qqbDQ/.1K02Q01oyc0"],
    ["phpass of UTF-8", umlauts, "$P$BF3EoeCPB97ehWeSn9dhwJOipef3aL/"],
    [
      "PBKDF2 SHA-256",
      password,
      "$pbkdf2-sha256$29000$GEOoNSZEiDFmzPnfe.89Rw$ezRvrLpMeQKViIyEpuPzQ.hjeVJQgeh9bN2FmF8kwbg",
    ],
    [
      "PBKDF2 SHA-256 of UTF-8",
      umlauts,
      "$pbkdf2-sha256$29000$DUGIMWbsPec8B6AUIkQopQ$OVFbTv7tDWOW/Zkg4rc7q6IPwzkRBf8SFPC8SBFyxXo",
    ],
    [
      "PBKDF2 SHA-512",
      password,
      "$pbkdf2-sha512$25000$aA1BiDHmHGOMESLEGEPofQ$M0AeHQIzgHmYEK3kSprK6P/hVaASAhIDrrE4baCIdcmdZd7VOLHegTI8iuN6Yud.nDxOmpVfn3djlMpDXvPyWA",
    ],
    [
      "PBKDF2 SHA-512 of UTF-8",
      umlauts,
      "$pbkdf2-sha512$25000$VKqV8n5PCUEoJYQQolSKUQ$F6YzkJTau/8Bj6p56wKHbUJ/La1x8DLgsS/xK8EItJpYDAECV/pRhSU/06HfqtwgAUZPAmGosLvbSRHu3HlYfg",
    ],
    ["PBKDF2 SHA-1", password, "$pbkdf2$131000$eu89R.g9R4ixdo5xLuV8bw$jO5CKDUg3sWKgwgWAH5S7r.6R4c"],
    ["PBKDF2 SHA-1 of UTF-8", umlauts, "$pbkdf2$131000$ixFiLAVgTInR2pvTOuec8w$NFyLK/ExZ/OxFfc3Gdm2BEUjy.M"],
    [
      "scrypt",
      password,
      "$scrypt$ln=14,r=8,p=1$NuYcQ6iVck4JYUzJ2Vur9Q$2XwGRSv2DTsGhX3aLSpVOARGM1RbAkJZyehRnidLHNA",
    ],
    [
      "scrypt of UTF-8",
      umlauts,
      "$scrypt$ln=14,r=8,p=1$pZQyRqiVklJKSSml1ForJQ$txvO8/HlwMM5N+us0aPr1qlDPD03vhHO85G7Dt4E/ZA",
    ],
    ["{SSHA}", password, "{SSHA}MFQiwh7lXKzRzd2UvTWoY68UCIryfo9R"],
    ["{SSHA} of UTF-8", umlauts, "{SSHA}yLXitIURozvry+2w35UXMzGNUJvIGeNc"],
    ["{SSHA256}", password, "{SSHA256}iKS5Of7KTJE4/X2aGbYs99NVM6pkEARMXAr4hGHfyPcBIOT8f8/ZGw=="],
    ["{SSHA256} of UTF-8", umlauts, "{SSHA256}B9O1PswO4F78LAJGkiSR7tugJRD8bPVmMfOYRiD8BGwKIaQUopQyxg=="],
    [
      "{SSHA512}",
      password,
      "{SSHA512}ma+yVPBMH0bKU552p3V53LZRGdNWkO0o/j08LL2Fd8sRyDYA48ygk79KVAF7DY2IGBjZQBmU5u4Ax0zrEZ9PIUAo5bwX4lyr",
    ],
    [
      "{SSHA512} of UTF-8",
      umlauts,
      "{SSHA512}TEyPHhylvO6elPMjeVLsAvTegvl1niJgquyNVEicw1x48xRPsu4IR1YASRTKfdkRlBFNOrpM4sWiLvkH/Rn2IRVibO29F6JU",
    ],
    ["{SMD5}", password, "{SMD5}SsX2FwGiX+GEzPZr4segSkXImfM="],
    ["{SMD5} of UTF-8", umlauts, "{SMD5}iJREP6ZuVSrfwGIR6qJdl6v1njM="],
  ),
  ...from(
    "crypt(3) of libxcrypt 4.4.33",
    ["md5-crypt", password, "$1$saltsalt$BsXyQbZiQujHkdhwPwdol."],
    ["md5-crypt without salt", password, "$1$$zoYVCpjXXFW7mz9BsFHro."],
    ["SHA-256-crypt", password, "$5$rounds=1000$saltstring$MGHTVAK1OdWrxoC7LJKeycAtdF/rZJH8EE46Glj/aT6"],
    [
      "SHA-256-crypt of UTF-8",
      umlauts,
      "$5$rounds=1000$saltstring$1FP/UUEcoHxl4QS/sYYZ3yGRdr8UkK9sw0JPBI3gol7",
    ],
    [
      "SHA-512-crypt",
      password,
      "$6$rounds=1000$saltstring$B.n1vD77SdB2TuXAE0nGKP536R1bUc6NvRMEtukg5fkv3SlfIs6RsCY18TxG6AWfmoa/S410tUwH1MRlKRQST0",
    ],
    [
      "SHA-512-crypt of 200 bytes",
      "y".repeat(200),
      "$6$rounds=1000$saltstring$wV80J5XdTmQjIg0RLKOG58TQOs1ZqgjT7xAQYUhnbtx7evcxOnOIAg5aUbyl2G6aXpWp.MJ2jEnvcPIfSlgDV1",
    ],
    ["scrypt", password, "$7$BU..../....ourtextsalt$oMBLsBFyncyMnqisNFDZudRhmFra8BZRsKo8hKRuuL8"],
  ),
  ...from(
    "bcrypt 4.0.1 for Python",
    ["2b", password, "$2b$06$r3fXzcnMjn3SuCBG8oajIeI9/9ikSifGnq6nXHGoIvcQdcna7faWa"],
    ["2b of UTF-8", umlauts, "$2b$06$iKg5DtQbamoecOGxhp0pC.ciKmHLo2TVfKs0NxA1ilJa.STejZosu"],
    ["2a", password, "$2a$05$073BOvfjouyN.fYIAyogbuzF.liaYBMJxXclOhbJVdgTK596.x496"],
    ["2b of 71 bytes", "x".repeat(71), "$2b$04$YfWdX9JvhEKOxyDvtA52VeHuBee7V/QLH0ENmOQt48xadpjCEBZ.G"],
    ["2b of 72 bytes", "x".repeat(72), "$2b$04$HTjGhrkWUrOpZsJYYmQmK.Gbsrbi33zV550eitoC74tCV9X8ZTzJK"],
  ),
  ...from(
    "argon2-cffi, by the reference implementation",
    [
      "argon2i with two lanes",
      password,
      "$argon2i$v=19$m=4096,t=3,p=2$c2FsdHNhbHRzYWx0$z9ingk2ezY3sv9pW1mbANC79xqhfSEFK",
    ],
    [
      "argon2id with two lanes",
      password,
      "$argon2id$v=19$m=4096,t=3,p=2$c2FsdHNhbHRzYWx0$kOSHtY/s6v2PPY7Ia6x1tJcI9J1NEgv6thPLufATWTo",
    ],
    [
      "argon2i 1.0",
      password,
      "$argon2i$v=16$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$bjbpLZqYm8C4lqxRQIpvqgAvr0c9/+rr92NDc59HD/c",
    ],
    [
      "argon2i 1.0, unsaid",
      password,
      "$argon2i$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$bjbpLZqYm8C4lqxRQIpvqgAvr0c9/+rr92NDc59HD/c",
    ],
  ),
  ...from(
    "Django 5.2",
    [
      "pbkdf2_sha256",
      password,
      "pbkdf2_sha256$1000000$6xd7BYPuGB7MuEbLx9h9Bl$g+GgWqIg3tklz7D9yeKwquVaELszr2kiw1CpEljHRyo=",
    ],
    ["pbkdf2_sha1", password, "pbkdf2_sha1$1000000$OMzgySLsAzMdzgwVDMOgn0$wqRwJues3puGDx31lVaUtgd7T5Q="],
    [
      "argon2",
      password,
      "argon2$argon2id$v=19$m=102400,t=2,p=8$MjhxeU1kYTRGbXJCVXRqcXYwY3lJRQ$CadeKaFivOdqnb0EAniXA8jxiqVcqq0RzqrX7mycjLw",
    ],
    ["bcrypt_sha256", password, "bcrypt_sha256$$2b$12$D6FBeHv3679ZpE1ip022JuccMEHAO4xgnG/jSKJxf.GYKYAZ2qKzu"],
    ["bcrypt", password, "bcrypt$$2b$12$wsqhVCgSein0capCRYIYOuS11orMctsJHI2fVHuLTb6Bok0/FjiQy"],
    [
      "scrypt",
      password,
      "scrypt$16384$qSzVhJ3BAowzoburntedAH$8$5$qHY8cwM3IkxRAgx7fgm2x4knM2cFlFnjtY0l2fexFFRATYfimFWXpBEhv904yaZKZPDUqyrjX36FWgZzPpbCIQ==",
    ],
    ["md5", password, "md5$2JHv7j2YbsccrQDJKzWTVY$0469ad83a0ec36106278ad1f2ab4dc01"],
  ),
  ...from("a Keycloak 26 export (a public migration tool's fixture)", [
    "argon2id",
    "secret",
    '{"type":"password","secretData":"{\\"value\\":\\"xKjWvB9+0sSP6wTqI1JoEI7w+iA0x9VDhPgmrOHRG80=\\",\\"salt\\":\\"LRScGShC7shkdoU5B1UgUQ==\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":5,\\"algorithm\\":\\"argon2\\",\\"additionalParameters\\":{\\"hashLength\\":[\\"32\\"],\\"memory\\":[\\"7168\\"],\\"type\\":[\\"id\\"],\\"version\\":[\\"1.3\\"],\\"parallelism\\":[\\"1\\"]}}"}',
  ]),
  ...from(
    "hashlib of Python 3.11, in Keycloak's credential",
    [
      "pbkdf2",
      password,
      '{"type":"password","secretData":"{\\"value\\":\\"AOm/kOb/+YAZ3ZwSogYgNu9fO1g98616UUT2x3Jzcezc674WB6rf1PmFu7KUTJ/kBMpXzOJ47gHQ2i8osqaCHQ==\\",\\"salt\\":\\"AAECAwQFBgcICQoLDA0ODw==\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":1000,\\"algorithm\\":\\"pbkdf2\\",\\"additionalParameters\\":{}}"}',
    ],
    [
      "pbkdf2-sha256",
      password,
      '{"type":"password","secretData":"{\\"value\\":\\"Ca/W1uHPdOF53bPWSQyrHQQPdk6KOe20VTbaw0U+WWswH2gciKNBqwk+H7RPgAmCshFAhVRLSSar72bo1/g8dA==\\",\\"salt\\":\\"AAECAwQFBgcICQoLDA0ODw==\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":27500,\\"algorithm\\":\\"pbkdf2-sha256\\",\\"additionalParameters\\":{}}"}',
    ],
    [
      "pbkdf2-sha512",
      password,
      '{"type":"password","secretData":"{\\"value\\":\\"YEv9OAUH/a1l3GquLyEy93uMKHjMipNllASkRjqB/oIQswr6u3Ww8j5/gVasVRgrErX17iCPAfvU8jJ5Gad3aw==\\",\\"salt\\":\\"AAECAwQFBgcICQoLDA0ODw==\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":30000,\\"algorithm\\":\\"pbkdf2-sha512\\",\\"additionalParameters\\":{}}"}',
    ],
  ),
  ...from("WordPress 6.8 (the admin hash of a public demonstration, made by its PHP)", [
    "$wp$2y$",
    "admin",
    "$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES",
  ]),
];
