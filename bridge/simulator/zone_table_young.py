"""Zones that servers since Exchange 2013 know beside those of 2010, in the form of `zone_table`.

Sources: [V] ids and display names, from what Exchange 15.2.1748 lists; that list has no rules, so the rules are
assumed: the civil time of these places in 2025, without their past (and without daylight time in the West Bank,
which has no fixed rule).
"""

TABLE = """
Aleutian Standard Time = (UTC-10:00) Aleutian Islands
1:600,540;D3.2.0@02:00,S11.1.0@02:00
Marquesas Standard Time = (UTC-09:30) Marquesas Islands
1:570
UTC-09 = (UTC-09:00) Coordinated Universal Time-09
1:540
Yukon Standard Time = (UTC-07:00) Yukon
1:420
UTC-08 = (UTC-08:00) Coordinated Universal Time-08
1:480
Eastern Standard Time (Mexico) = (UTC-05:00) Chetumal
1:300
Easter Island Standard Time = (UTC-06:00) Easter Island
1:360,300;S4.1.6@22:00,D9.1.6@22:00
Haiti Standard Time = (UTC-05:00) Haiti
1:300,240;D3.2.0@02:00,S11.1.0@02:00
Cuba Standard Time = (UTC-05:00) Havana
1:300,240;D3.2.0@00:00,S11.1.0@01:00
Turks And Caicos Standard Time = (UTC-05:00) Turks and Caicos
1:300,240;D3.2.0@02:00,S11.1.0@02:00
Magallanes Standard Time = (UTC-03:00) Punta Arenas
1:180
Tocantins Standard Time = (UTC-03:00) Araguaina
1:180
Saint Pierre Standard Time = (UTC-03:00) Saint Pierre and Miquelon
1:180,120;D3.2.0@02:00,S11.1.0@02:00
Bahia Standard Time = (UTC-03:00) Salvador
1:180
Libya Standard Time = (UTC+02:00) Tripoli
1:-120
West Bank Standard Time = (UTC+02:00) Gaza, Hebron
1:-120
South Sudan Standard Time = (UTC+02:00) Juba
1:-120
Kaliningrad Standard Time = (UTC+02:00) Kaliningrad
1:-120
Sudan Standard Time = (UTC+02:00) Khartoum
1:-120
Turkey Standard Time = (UTC+03:00) Istanbul
1:-180
Belarus Standard Time = (UTC+03:00) Minsk
1:-180
Volgograd Standard Time = (UTC+03:00) Volgograd
1:-180
Astrakhan Standard Time = (UTC+04:00) Astrakhan, Ulyanovsk
1:-240
Russia Time Zone 3 = (UTC+04:00) Izhevsk, Samara
1:-240
Saratov Standard Time = (UTC+04:00) Saratov
1:-240
Qyzylorda Standard Time = (UTC+05:00) Astana
1:-300
Omsk Standard Time = (UTC+06:00) Omsk
1:-360
Altai Standard Time = (UTC+07:00) Barnaul, Gorno-Altaysk
1:-420
Tomsk Standard Time = (UTC+07:00) Tomsk
1:-420
W. Mongolia Standard Time = (UTC+07:00) Hovd
1:-420
Transbaikal Standard Time = (UTC+09:00) Chita
1:-540
North Korea Standard Time = (UTC+09:00) Pyongyang
1:-540
Aus Central W. Standard Time = (UTC+08:45) Eucla
1:-525
Bougainville Standard Time = (UTC+11:00) Bougainville Island
1:-660
Sakhalin Standard Time = (UTC+11:00) Sakhalin
1:-660
Lord Howe Standard Time = (UTC+10:30) Lord Howe Island
1:-630,-660;S4.1.0@02:00,D10.1.0@02:00
Russia Time Zone 10 = (UTC+11:00) Chokurdakh
1:-660
Norfolk Standard Time = (UTC+11:00) Norfolk Island
1:-660,-720;S4.1.0@03:00,D10.1.0@02:00
Russia Time Zone 11 = (UTC+12:00) Anadyr, Petropavlovsk-Kamchatsky
1:-720
Chatham Islands Standard Time = (UTC+12:45) Chatham Islands
1:-765,-825;S4.1.0@03:45,D9.-1.0@02:45
UTC+13 = (UTC+13:00) Coordinated Universal Time+13
1:-780
Line Islands Standard Time = (UTC+14:00) Kiritimati Island
1:-840
"""

# Zones of 2010 whose time has changed since: the year groups that follow the old ones. Names
# as above; the rules are assumed: the civil time of 2025, from the year it has been so (Morocco without its month of
# Ramadan).
AMENDED = """
Samoa Standard Time = (UTC+13:00) Samoa
2022:-780
Pacific Standard Time (Mexico) = (UTC-08:00) Baja California
2010:480,420;D3.2.0@02:00,S11.1.0@02:00
Mountain Standard Time (Mexico) = (UTC-07:00) La Paz, Mazatlan
2023:420
Central Standard Time (Mexico) = (UTC-06:00) Guadalajara, Mexico City, Monterrey
2023:360
Venezuela Standard Time = (UTC-04:00) Caracas
2017:240
Paraguay Standard Time = (UTC-04:00) Asuncion
2025:180
Central Brazilian Standard Time = (UTC-04:00) Cuiaba
2020:240
Pacific SA Standard Time = (UTC-04:00) Santiago
2023:240,180;S4.1.6@23:59:59.999,D9.1.6@23:59:59.999
E. South America Standard Time = (UTC-03:00) Brasilia
2020:180
Greenland Standard Time = (UTC-03:00) Greenland
2024:120,60;D3.-1.6@23:00,S10.-1.0@00:00
Montevideo Standard Time = (UTC-03:00) Montevideo
2016:180
Morocco Standard Time = (UTC+01:00) Casablanca
2019:-60
Namibia Standard Time = (UTC+02:00) Windhoek
2018:-120
Jordan Standard Time = (UTC+03:00) Amman
2023:-180
Middle East Standard Time = (UTC+02:00) Beirut
2010:-120,-180;D3.-1.0@00:00,S10.-1.0@00:00
Egypt Standard Time = (UTC+02:00) Cairo
2024:-120,-180;D4.-1.5@00:00,S10.-1.4@23:59:59.999
Syria Standard Time = (UTC+02:00) Damascus
2023:-180
Russian Standard Time = (UTC+03:00) Moscow, St. Petersburg
2015:-180
Iran Standard Time = (UTC+03:30) Tehran
2023:-210
Azerbaijan Standard Time = (UTC+04:00) Baku
2016:-240
Caucasus Standard Time = (UTC+04:00) Yerevan
2012:-240
Ekaterinburg Standard Time = (UTC+05:00) Ekaterinburg
2015:-300
N. Central Asia Standard Time = (UTC+07:00) Novosibirsk
2017:-420
North Asia Standard Time = (UTC+07:00) Krasnoyarsk
2015:-420
North Asia East Standard Time = (UTC+08:00) Irkutsk
2015:-480
Yakutsk Standard Time = (UTC+09:00) Yakutsk
2015:-540
Vladivostok Standard Time = (UTC+10:00) Vladivostok
2015:-600
Magadan Standard Time = (UTC+11:00) Magadan
2017:-660
Fiji Standard Time = (UTC+12:00) Fiji
2022:-720
"""
